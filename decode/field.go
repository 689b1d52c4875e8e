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
		rows := (p.Height + 1) / 2
		if !top && p.Height > 1 {
			p.Data = p.Data[p.Stride:]
			rows = p.Height / 2
		}
		p.Stride, p.Height = 2*p.Stride, rows
	}
	m.SAR = media.Ratio{Num: max(m.SAR.Num, 1), Den: 2 * max(m.SAR.Den, 1)}
}
