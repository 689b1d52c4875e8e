package plan

// Canvas is the whole canvas over the whole song as one cell, for whoever shows a
// plan rather than rendering it: the stripes on top of each other give the same
// pixels.
func (p *Plan) Canvas() *Picture {
	c := &Picture{
		Segment: Segment{Count: p.Frames}, Width: p.Width, Height: p.Height,
		Rate: p.Rate, Background: p.Background, Look: p.Look, Encoder: p.Encoder,
	}
	seen := map[Overlay]bool{} // one overlay is in every stripe it touches
	for _, s := range p.Stripes {
		for _, t := range s.Tiles {
			t.Y += s.Y
			c.Tiles = append(c.Tiles, t)
		}
		if s.Backdrop != nil && c.Backdrop == nil {
			b := *s.Backdrop
			b.Y += s.Y
			c.Backdrop = &b
		}
		for _, o := range s.Overlays {
			o.Y += s.Y
			if !seen[o] {
				seen[o] = true
				c.Overlays = append(c.Overlays, o)
			}
		}
	}
	return c
}
