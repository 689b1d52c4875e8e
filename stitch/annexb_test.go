package stitch

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

var annexBCases = []struct {
	name   string
	stream []byte
	nals   [][]byte
	err    string
}{
	{"empty", nil, nil, ""},
	{"three-byte start codes", []byte{0, 0, 1, 7, 1, 0, 0, 1, 8, 2}, [][]byte{{7, 1}, {8, 2}}, ""},
	{"four-byte start codes", []byte{0, 0, 0, 1, 7, 1, 0, 0, 0, 1, 8, 2}, [][]byte{{7, 1}, {8, 2}}, ""},
	{"zeros around", []byte{0, 0, 0, 0, 0, 1, 7, 1, 0, 0, 0, 0, 0, 1, 8, 2, 0, 0}, [][]byte{{7, 1}, {8, 2}}, ""},
	{"empty units", []byte{0, 0, 1, 0, 0, 1, 9, 0, 0, 1}, [][]byte{{9}}, ""},
	{"no start code", []byte{1, 2, 3, 4, 5}, nil, "no start code"},
	{"only zeros", []byte{0, 0, 0}, nil, "no start code"},
	{"data first", []byte{5, 0, 0, 1, 7}, nil, "before the first start code"},
}

func readNALs(r io.Reader) (nals, follows [][]byte, err error) {
	for n := newNALReader(r); ; {
		nal, follow, err := n.next()
		if err == io.EOF {
			return nals, follows, nil
		}
		if err != nil {
			return nals, follows, err
		}
		nals, follows = append(nals, bytes.Clone(nal)), append(follows, bytes.Clone(follow))
	}
}

func TestNALReader(t *testing.T) {
	for _, c := range annexBCases {
		t.Run(c.name, func(t *testing.T) {
			for _, r := range []io.Reader{bytes.NewReader(c.stream), iotest.OneByteReader(bytes.NewReader(c.stream)), iotest.DataErrReader(bytes.NewReader(c.stream))} {
				nals, follows, err := readNALs(r)
				if c.err != "" {
					if err == nil || !strings.Contains(err.Error(), c.err) {
						t.Fatalf("error %v, want %q", err, c.err)
					}
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				equalNALs(t, nals, c.nals)
				for i, f := range follows {
					if i+1 < len(nals) && !bytes.HasPrefix(nals[i+1], trimZeros(f)) {
						t.Errorf("unit %d is followed by %x, said %x", i, nals[i+1], f)
					}
				}
			}
		})
	}
}

func equalNALs(t *testing.T, got, want [][]byte) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d units %x, want %d", len(got), got, len(want))
	}
	for i := range got {
		if !bytes.Equal(got[i], want[i]) {
			t.Errorf("unit %d is %x, want %x", i, got[i], want[i])
		}
	}
}

// A unit far longer than the buffer, with start codes at every place around
// the ends of reads.
func TestNALReaderLong(t *testing.T) {
	for _, size := range []int{64<<10 - 4, 64<<10 - 3, 64<<10 - 2, 64<<10 - 1, 64 << 10, 300_000} {
		long := bytes.Repeat([]byte{0x25}, size)
		stream := append([]byte{0, 0, 1}, long...)
		stream = append(append(stream, 0, 0, 0, 1, 0x41), long...)
		nals, _, err := readNALs(iotest.HalfReader(bytes.NewReader(stream)))
		if err != nil {
			t.Fatal(err)
		}
		equalNALs(t, nals, [][]byte{long, append([]byte{0x41}, long...)})
	}
}

func TestNALReaderError(t *testing.T) {
	broken := errors.New("connection lost")
	r := io.MultiReader(bytes.NewReader([]byte{0, 0, 1, 7, 1, 0, 0, 1, 8}), iotest.ErrReader(broken))
	nals, _, err := readNALs(r)
	if !errors.Is(err, broken) {
		t.Errorf("error %v, want %v", err, broken)
	}
	if len(nals) > 1 {
		t.Errorf("%d units before the error", len(nals))
	}
}

func FuzzNALReader(f *testing.F) {
	for _, c := range annexBCases {
		f.Add(c.stream)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		whole, _, errWhole := readNALs(bytes.NewReader(b))
		slow, _, errSlow := readNALs(iotest.OneByteReader(bytes.NewReader(b)))
		if (errWhole == nil) != (errSlow == nil) {
			t.Fatalf("errors %v at once, %v byte by byte", errWhole, errSlow)
		}
		if errWhole == nil {
			equalNALs(t, slow, whole)
			for _, n := range whole {
				if bytes.Contains(n, startCode) {
					t.Errorf("start code inside %x", n)
				}
			}
		}
	})
}
