package decode

import (
	"context"
	"io"
	"time"

	"github.com/choirless/render/media"
)

// forward is how many pictures are decoded at most to get from a keyframe to a
// candidate.
const forward = 60

// BestFrame returns the best of n pictures spread over the recording: sharp,
// well exposed, not black. The frame is the caller's. ErrNoVideo when there is
// no picture at all.
func BestFrame(ctx context.Context, src io.ReadSeeker, n int) (*media.Frame, error) {
	facts, err := Probe(ctx, src)
	if err != nil {
		return nil, err
	}
	if facts.Video == nil {
		return nil, ErrNoVideo
	}
	v, err := OpenVideo(ctx, src, VideoOptions{})
	if err != nil {
		return nil, err
	}
	defer v.Close()
	var best *media.Frame
	top, last := -1.0, time.Duration(-1)
	for i := range max(n, 1) {
		// Neither the very beginning, where cameras warm up, nor the end.
		share := float64(i+1) / float64(n+1)
		at := facts.Video.Start + time.Duration(share*float64(facts.Video.End-facts.Video.Start))
		p, err := v.near(at, last)
		if err == io.EOF {
			continue
		}
		if err != nil {
			return nil, err
		}
		last = p.time
		f, err := v.frame(p)
		if err != nil {
			v.release(p)
			return nil, err
		}
		if s := score(f); s > top {
			top, best = s, clone(f)
		}
		v.release(p)
	}
	if best == nil {
		return firstFrame(v)
	}
	return best, nil
}

// near returns a picture near t: the keyframe before it, or, when that is not
// after last, one as near to t as a bounded number of pictures leads.
func (v *Video) near(t, last time.Duration) (*picture, error) {
	if err := v.seek(t); err != nil {
		return nil, err
	}
	p, err := v.next()
	if err != nil || p.time > last {
		return p, err
	}
	for n := 0; p.time < t && n < forward; n++ {
		next, err := v.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			v.release(p)
			return nil, err
		}
		v.release(p)
		p = next
	}
	return p, nil
}

func firstFrame(v *Video) (*media.Frame, error) {
	if err := v.restart(0); err != nil {
		return nil, err
	}
	f, err := v.Read()
	if err == io.EOF {
		return nil, ErrNoVideo
	}
	if err != nil {
		return nil, err
	}
	return clone(f), nil
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
