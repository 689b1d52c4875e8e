package decode

import (
	"context"
	"io"
	"slices"
	"time"

	"github.com/choirless/render/internal/av"
	"github.com/choirless/render/media"
)

const (
	// forward is how many pictures are decoded at most to get from a keyframe to a
	// candidate, and forwardPixels how many pixels: of 1920x1080 eight pictures.
	forward       = 60
	forwardPixels = forward * 640 * 480
	// enough is how many pictures make a choice: with so many keyframes there is no
	// going forward, which is most of the work.
	enough = 4
)

// Survey is Probe and, of one and the same opening, the best of at most n pictures
// spread over the recording: sharp, well exposed, not black. The frame is the
// caller's; nil when there is no picture, or none can be decoded.
func Survey(ctx context.Context, src io.ReadSeeker, n int) (media.Facts, *media.Frame, error) {
	s, err := openSource(ctx, src)
	if err != nil {
		return media.Facts{}, nil, err
	}
	defer func() { s.close() }()
	sc, err := s.scan()
	if err != nil {
		return media.Facts{}, nil, err
	}
	facts, err := sc.facts(s)
	if err != nil || facts.Video == nil {
		return facts, nil, err
	}
	s.only(av.KindVideo)
	v, err := newVideo(s, s.video, 1)
	if err != nil {
		return facts, nil, err
	}
	defer v.Close()
	f, err := v.best(media.Span{From: facts.Video.Start, To: facts.Video.End}, n)
	return facts, f, err
}

// best returns the best of at most n pictures spread over span, nil when none can
// be decoded.
func (v *Video) best(span media.Span, n int) (*media.Frame, error) {
	c := contest{v: v, last: -1, top: -1}
	var between []time.Duration // without a keyframe of their own
	for i := range max(n, 1) {
		// Neither the very beginning, where cameras warm up, nor the end.
		share := float64(i+1) / float64(n+1)
		at := span.From + time.Duration(share*float64(span.To-span.From))
		taken, err := c.keyframe(at)
		if err != nil {
			return nil, err
		}
		if !taken {
			between = append(between, at)
		}
	}
	// The later first: beginnings are fumbled with.
	for _, at := range slices.Backward(between) {
		if c.judged >= enough {
			break
		}
		if err := c.between(at); err != nil {
			return nil, err
		}
	}
	return c.best, nil
}

// contest keeps the best picture so far.
type contest struct {
	v      *Video
	best   *media.Frame
	top    float64
	last   time.Duration // of the last keyframe
	judged int
}

// keyframe judges the keyframe before t; false when there is none, or it has been
// judged.
func (c *contest) keyframe(t time.Duration) (bool, error) {
	if err := c.v.seek(t); err != nil {
		return false, err
	}
	p, err := c.v.next()
	if err == io.EOF {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if p.time <= c.last {
		c.v.release(p)
		return false, nil
	}
	c.last = p.time
	return true, c.judge(p)
}

// between judges a picture as near to t as a bounded number of pictures leads.
func (c *contest) between(t time.Duration) error {
	if err := c.v.seek(t); err != nil {
		return err
	}
	p, err := c.v.next()
	if err == io.EOF {
		return nil
	}
	if err != nil {
		return err
	}
	most := min(forward, forwardPixels/max(c.v.st.Width*c.v.st.Height, 1))
	for n := 0; p.time < t && n < most; n++ {
		next, err := c.v.next()
		if err == io.EOF {
			break
		}
		c.v.release(p)
		if err != nil {
			return err
		}
		p = next
	}
	return c.judge(p)
}

// judge takes p.
func (c *contest) judge(p *picture) error {
	defer c.v.release(p)
	f, err := c.v.frame(p)
	if err != nil {
		return err
	}
	c.judged++
	if s := score(f); s > c.top {
		c.top, c.best = s, clone(f)
	}
	return nil
}

// score says how good a picture is to look at: how much detail it has, less for
// what is too dark, too bright or flat. Only the order of scores matters.
//
// Detail is the mean absolute Laplacian of a reduced luma plane: reduced,
// because noise of a dark room would win otherwise.
func score(f *media.Frame) float64 {
	g, w, h := reduced(f)
	if w < 3 || h < 3 {
		return 0
	}
	var sum, sum2, detail float64
	dark, bright := 0, 0
	for y := range h {
		for x := range w {
			v := g[y*w+x]
			sum += v
			sum2 += v * v
			if v < 0.06 {
				dark++
			}
			if v > 0.98 {
				bright++
			}
			if x > 0 && x < w-1 && y > 0 && y < h-1 {
				d := 4*v - g[y*w+x-1] - g[y*w+x+1] - g[(y-1)*w+x] - g[(y+1)*w+x]
				detail += max(d, -d)
			}
		}
	}
	n := float64(w * h)
	mean := sum / n
	contrast := sum2/n - mean*mean
	exposure := 1 - 0.7*float64(dark+bright)/n
	if mean < 0.2 {
		exposure *= mean / 0.2
	}
	if mean > 0.8 {
		exposure *= (1 - mean) / 0.2
	}
	return (detail/n + 1e-4) * exposure * (contrast + 1e-4)
}

// reduced returns the luma plane, averaged to about 160 columns, black 0, white 1.
func reduced(f *media.Frame) (g []float64, w, h int) {
	p := f.Planes[0]
	step := max(p.Width/160, 1)
	w, h = p.Width/step, p.Height/step
	g = make([]float64, w*h)
	black, white := 0.0, float64(int(1)<<f.Depth-1)
	if f.Color.Range != media.Full {
		unit := float64(int(1) << (f.Depth - 8))
		black, white = 16*unit, 235*unit
	}
	scale := 1 / ((white - black) * float64(step*step))
	for y := range h {
		for x := range w {
			var sum float64
			for j := y * step; j < (y+1)*step; j++ {
				row := p.Data[j*p.Stride:]
				for i := x * step; i < (x+1)*step; i++ {
					if f.Depth > 8 {
						sum += float64(int(row[2*i]) | int(row[2*i+1])<<8)
					} else {
						sum += float64(row[i])
					}
				}
			}
			g[y*w+x] = min(max((sum-black*float64(step*step))*scale, 0), 1)
		}
	}
	return g, w, h
}

// clone copies a picture into memory of its own.
func clone(f *media.Frame) *media.Frame {
	c := *f
	for i, p := range f.Planes {
		c.Planes[i].Data = append([]byte(nil), p.Data...)
	}
	return &c
}
