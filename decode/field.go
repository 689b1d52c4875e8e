package decode

import "github.com/choirless/render/media"

// firstField leaves of an interlaced picture the rows of its earlier field, which are
// samples twice as high. The two fields are two moments, and woven together they comb
// wherever somebody moves. What is lost, every other row, a tile of a choir seldom has
// room for.
func firstField(m *media.Frame, top bool) {
	m.Color = m.Color.Resolve(m.Height()) // by the rows as coded
	for i := range m.Planes {
		p := &m.Planes[i]
		// A plane of odd height has one row of the lower field too few for the luma.
		if !top && p.Height%2 == 0 && p.Height > 0 {
			p.Data = p.Data[p.Stride:]
		}
		p.Stride, p.Height = 2*p.Stride, (p.Height+1)/2
	}
	m.SAR = media.Ratio{Num: max(m.SAR.Num, 1), Den: 2 * max(m.SAR.Den, 1)}
}
