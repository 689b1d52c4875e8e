package engine

// Normalising: making a frame upright, 8 bits deep and of the canvas' colour on
// its way into GPU memory, so that the fast passes need to know nothing of all
// that. See engine/gl/convert.c for why it is done by the CPU.

import (
	"math"

	"github.com/choirless/render/engine/gl"
	"github.com/choirless/render/media"
)

// normalizer converts frames of one shape. Not safe for concurrent use.
type normalizer struct {
	shape  shape
	t      transform     // from 8-bit codes
	matrix bool          // luma takes part of chroma
	keep   bool          // codes stay as they are
	turn   bool          // turned or deeper than 8 bits
	buffer [3]gl.Samples // between turning and converting
}

// newNormalizer returns a normalizer, or false where only the plain variant
// knows the way.
func newNormalizer(s shape) (*normalizer, bool) {
	n := &normalizer{shape: s, t: transformOf(s.color, 8), turn: s.rotation != 0 || s.depth > 8}
	// Wide colour is converted after the resize; see fastTile.light.
	n.keep = n.t.wide || n.t.copies()
	n.matrix = !n.t.wide && !n.t.lumaAlone() && !s.gray
	if n.t.wide && s.gray {
		return nil, false
	}
	if n.matrix {
		fx, fy, px, py, _, _ := s.chromaPlane()
		inside := func(f, p float64) bool { return f == 1 || f == 2 && p >= 0.5 && p <= 1.5 }
		if !inside(fx, px) || !inside(fy, py) {
			return nil, false
		}
	}
	if n.turn && !n.keep {
		for i := range n.buffer {
			w, h := n.size(i)
			n.buffer[i] = gl.Samples{Data: make([]byte, w*h), Stride: w, Width: w, Height: h}
		}
	}
	return n, true
}

// size returns the upright size of a plane.
func (n *normalizer) size(plane int) (w, h int) {
	if plane == 0 {
		return n.shape.upright()
	}
	if n.shape.gray {
		return 0, 0
	}
	_, _, _, _, w, h = n.shape.chromaPlane()
	return w, h
}

// run converts a frame into dst, whose planes have the upright sizes; those
// without data are left out.
func (n *normalizer) run(dst [3]gl.Samples, f *media.Frame) {
	var src [3]gl.Samples
	for i, p := range f.Planes {
		src[i] = gl.Samples{Data: p.Data, Stride: p.Stride, Width: p.Width, Height: p.Height}
		if len(dst[i].Data) == 0 || !n.turn {
			continue
		}
		mul, add := n.depth(i)
		to := n.buffer[i]
		if n.keep {
			to = dst[i]
		}
		gl.ConvertTurn(to, src[i], int(n.shape.rotation), n.shape.depth, mul, add)
		src[i] = to
	}
	switch {
	case n.keep && n.turn:
	case n.matrix:
		fx, fy, px, py, _, _ := n.shape.chromaPlane()
		m := gl.Matrix{Rows: n.t.rows, SubX: int(fx) - 1, SubY: int(fy) - 1, X: px, Y: py}
		m.Convert(dst, src)
	default:
		for i := range src {
			if len(dst[i].Data) == 0 {
				continue
			}
			mul, add := n.t.rows[i][i], n.t.rows[i][3]
			if n.keep {
				mul, add = 1, 0
			} else if i == 0 { // chroma 128 adds what the constant takes off for it
				add += 128 * (n.t.rows[0][1] + n.t.rows[0][2])
			}
			gl.ConvertAffine(dst[i], src[i], mul, add)
		}
	}
}

// depth returns how samples of a plane become 8 bits in their own range.
func (n *normalizer) depth(plane int) (mul, add float64) {
	if n.shape.depth == 8 {
		return 1, 0
	}
	if n.shape.color.Range != media.Full {
		return math.Exp2(float64(8 - n.shape.depth)), 0
	}
	mul = 255 / (math.Exp2(float64(n.shape.depth)) - 1)
	if plane > 0 {
		add = 128 - mul*math.Exp2(float64(n.shape.depth-1))
	}
	return mul, add
}
