package golden

import (
	"crypto/md5"
	"fmt"

	"github.com/choirless/render/media"
)

// Sum is the checksum of decoded rows of one picture: the MD5 of its Y, Cb and
// Cr samples, row by row, without padding.
type Sum [md5.Size]byte

// SumRows returns the checksum of height luma rows of f from row y on, and of
// the chroma rows that belong to them. f is 8-bit 4:2:0; y and height are even
// and the rows inside the picture.
func SumRows(f *media.Frame, y, height int) (Sum, error) {
	if f.Depth != 8 || f.SubX != 1 || f.SubY != 1 {
		return Sum{}, fmt.Errorf("sum: %d bits, chroma 1/%d x 1/%d, want 8-bit 4:2:0", f.Depth, 1<<f.SubX, 1<<f.SubY)
	}
	if y < 0 || height <= 0 || y%2 != 0 || height%2 != 0 || y+height > f.Height() {
		return Sum{}, fmt.Errorf("sum: rows %d to %d, want even ones within %d", y, y+height, f.Height())
	}
	h := md5.New()
	for i := range f.Planes {
		from, n := y, height
		if i > 0 {
			from, n = y/2, height/2
		}
		p := &f.Planes[i]
		for row := from; row < from+n; row++ {
			h.Write(p.Data[row*p.Stride:][:p.Width])
		}
	}
	return Sum(h.Sum(nil)), nil
}

// CompareSums compares the pictures of a stripe as the joined movie decodes to
// with those of the stripe decoded alone, in display order. The error names
// stripe, first differing picture and how many differ.
func CompareSums(stripe int, joined, alone []Sum) error {
	if len(joined) != len(alone) {
		return fmt.Errorf("stripe %d: %d pictures decoded, want %d", stripe, len(joined), len(alone))
	}
	differ, first := 0, 0
	for i := range joined {
		if joined[i] != alone[i] {
			if differ == 0 {
				first = i
			}
			differ++
		}
	}
	if differ > 0 {
		return fmt.Errorf("stripe %d: %d of %d pictures differ from the stripe decoded alone, the first is %d", stripe, differ, len(alone), first)
	}
	return nil
}
