package gl

/*
#cgo CFLAGS: -O3
#include "convert.h"
*/
import "C"

import (
	"math"
	"unsafe"
)

// Samples is a plane of samples in memory.
type Samples struct {
	Data          []byte
	Stride        int // bytes
	Width, Height int // samples
}

func (s Samples) ptr() *C.uint8_t { return (*C.uint8_t)(unsafe.Pointer(unsafe.SliceData(s.Data))) }

// Matrix is a conversion of 8-bit Y'CbCr codes to other ones, in which luma
// does not feed into chroma.
type Matrix struct {
	// Rows give y', cb', cr' from (y, cb, cr, 1); Rows[1][0] and Rows[2][0]
	// are not looked at.
	Rows [3][4]float64
	// SubX and SubY are log2 of the subsampling of chroma, 0 or 1.
	SubX, SubY int
	// X and Y are where chroma sample 0 lies, in luma pixels from the picture's
	// edge, 0.5 to 1.5. Not looked at without subsampling.
	X, Y float64
}

// Convert converts a picture. The planes must have the sizes of one; dst
// rows need room for one more luma sample when the width is odd.
func (m Matrix) Convert(dst, src [3]Samples) {
	c := C.choir_matrix_t{
		luma:  fixed(m.Rows[0][0], C.CHOIR_ONE),
		sub_x: C.int32_t(m.SubX), sub_y: C.int32_t(m.SubY),
		prev_x: quarters(m.X - 0.5), next_x: quarters(1.5 - m.X),
		prev_y: quarters(m.Y - 0.5), next_y: quarters(1.5 - m.Y),
	}
	for i, row := range [3]*[3]C.int32_t{&c.k, &c.cb, &c.cr} {
		r := m.Rows[i]
		constant := r[3] + 128*(r[1]+r[2])
		if i > 0 {
			r[i]--
			constant += 0.5 - 128
		}
		// Each product is cut off by half of 1/128 on the mean.
		constant += 1.0 / 128
		row[0], row[1] = fixed(r[1], C.CHOIR_SMALL), fixed(r[2], C.CHOIR_SMALL)
		row[2] = fixed(constant, C.CHOIR_CHROMA)
	}
	cw := src[1].Width
	scratch := make([]int16, 6*(cw+2)+4)
	C.choir_matrix(dst[0].ptr(), C.int(dst[0].Stride), dst[1].ptr(), dst[2].ptr(), C.int(dst[1].Stride),
		src[0].ptr(), C.int(src[0].Stride), src[1].ptr(), C.int(src[1].Stride), src[2].ptr(), C.int(src[2].Stride),
		C.int(src[0].Width), C.int(src[0].Height), C.int(cw), C.int(src[1].Height),
		&c, (*C.int16_t)(unsafe.Pointer(&scratch[0])))
}

// ConvertAffine sets dst to src * mul + add, rounded, sample by sample, 8 bits.
func ConvertAffine(dst, src Samples, mul, add float64) {
	a := C.int32_t(0)
	if mul != 1 || add != 0 {
		a = fixed(add+0.5, C.CHOIR_ONE)
	}
	C.choir_affine(dst.ptr(), C.int(dst.Stride), src.ptr(), C.int(src.Stride), C.int(src.Width), C.int(src.Height),
		fixed(mul, C.CHOIR_ONE), a)
}

// ConvertTurn turns src clockwise by 0, 90, 180 or 270 degrees into dst, which
// has 8 bits per sample. Samples of src are of the given depth; more than 8
// bits become v * mul + add, dithered.
func ConvertTurn(dst, src Samples, degrees, depth int, mul, add float64) {
	C.choir_turn(dst.ptr(), C.int(dst.Stride), src.ptr(), C.int(src.Stride), C.int(src.Width), C.int(src.Height),
		C.int((depth+7)/8), C.int(degrees), fixed(mul, 16), fixed(add, 16))
}

func fixed(v float64, bits int) C.int32_t {
	return C.int32_t(math.Round(v * math.Exp2(float64(bits))))
}

// quarters turns half of a distance in luma pixels into quarters of weight.
func quarters(v float64) C.int32_t { return C.int32_t(math.Round(v * 2)) }
