package stitch

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The stripes of testdata; how they are made is in testdata/make.
var cases = []struct {
	name     string
	cabac    bool
	bframes  bool // pictures are shown in another order than decoded
	pocType  uint32
	refs     uint32
	deblocks bool
}{
	{"cabac-p", true, false, 2, 1, true},
	{"cabac-b", true, true, 0, 4, true},
	{"cavlc-b", false, true, 0, 4, true},
	{"cavlc-p", false, false, 2, 1, false},
}

const (
	fixtureSegments = 2
	fixtureStripes  = 3
	fixtureFrames   = 9 // pictures of a segment
	fixtureGOP      = 6
)

func load(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// memory is a stripe held in memory, which counts its readers.
type memory struct {
	b    []byte
	open int
}

func (m *memory) opener() Opener {
	return func() (io.ReadCloser, error) {
		m.open++
		return &memoryReader{bytes.NewReader(m.b), m}, nil
	}
}

type memoryReader struct {
	io.Reader
	m *memory
}

func (r *memoryReader) Close() error {
	r.m.open--
	return nil
}

func inMemory(b []byte) Opener { return (&memory{b: b}).opener() }

// segments are the fixture's stripes.
func segments(t testing.TB, name string) []Segment {
	t.Helper()
	var list []Segment
	for r := range fixtureSegments {
		s := Segment{Frames: fixtureFrames}
		for i := range fixtureStripes {
			s.Stripes = append(s.Stripes, inMemory(load(t, fmt.Sprintf("%s.r%d.s%d.h264", name, r, i))))
		}
		list = append(list, s)
	}
	return list
}

// joinedSum is the checksum of the joined fixture, whose pictures testdata/make
// has compared with the stacked stripes.
func joinedSum(t testing.TB, name string) string {
	t.Helper()
	first, _, _ := strings.Cut(string(load(t, name+".sum")), "\n")
	sum, ok := strings.CutPrefix(first, "joined ")
	if !ok {
		t.Fatalf("%s.sum begins with %q", name, first)
	}
	return sum
}

// unitsOf returns the NAL units of a byte stream.
func unitsOf(t testing.TB, stream []byte) [][]byte {
	t.Helper()
	nals, _, err := readNALs(bytes.NewReader(stream))
	if err != nil {
		t.Fatal(err)
	}
	return nals
}

// unit returns the first NAL unit of a type.
func firstUnit(t testing.TB, stream []byte, kind int) []byte {
	t.Helper()
	for _, n := range unitsOf(t, stream) {
		if nalType(n) == kind {
			return n
		}
	}
	t.Fatalf("no NAL unit of type %d", kind)
	return nil
}
