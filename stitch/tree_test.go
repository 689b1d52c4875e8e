package stitch

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
)

// tree lists the boxes of a file with their order, a line each.
func tree(t testing.TB, b []byte, indent string) string {
	t.Helper()
	list, err := split(b)
	if err != nil {
		t.Fatal(err)
	}
	var s strings.Builder
	for _, x := range list {
		fmt.Fprintf(&s, "%s%s\n", indent, x.name)
		switch x.name {
		case "moov", "trak", "edts", "mdia", "minf", "dinf", "stbl", "mvex", "moof", "traf", "udta", "ilst":
			s.WriteString(tree(t, x.body, indent+"  "))
		case "stsd", "dref":
			s.WriteString(tree(t, x.body[8:], indent+"  "))
		case "meta":
			s.WriteString(tree(t, x.body[4:], indent+"  "))
		case "avc1":
			s.WriteString(tree(t, x.body[78:], indent+"  "))
		case "mp4a":
			s.WriteString(tree(t, x.body[28:], indent+"  "))
		}
	}
	return s.String()
}

// u32s reads a box of 32-bit numbers behind its first skip bytes.
func u32s(b []byte, skip int) (list []uint32) {
	for b = b[skip:]; len(b) >= 4; b = b[4:] {
		list = append(list, binary.BigEndian.Uint32(b))
	}
	return list
}

// trackBox returns a box of the nth track.
func trackBox(t testing.TB, file []byte, n int, path ...string) []byte {
	t.Helper()
	moov, err := child(file, "moov")
	if err != nil {
		t.Fatal(err)
	}
	list, err := split(moov)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range list {
		if x.name != "trak" {
			continue
		}
		if n--; n >= 0 {
			continue
		}
		b, err := child(x.body, path...)
		if err != nil || b == nil {
			t.Fatalf("%v: %v", path, err)
		}
		return b
	}
	t.Fatal("no such track")
	return nil
}
