// Package rival has the ffmpeg program draw one frame of a song, by the filter
// graph that scripts/bench measures against, and tells how far two frames are
// apart.
package rival

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os/exec"
	"strings"

	"github.com/choirless/render/media"
	"github.com/choirless/render/plan"
)

// lead is how far before a frame a recording is read, seconds: frames are sampled
// as if it had been read from its beginning.
const lead = 1.0

// Frame has ffmpeg draw output frame index of a canvas. recording names the file
// of a tile's part. It takes as long as it takes to start ffmpeg and to decode
// from the keyframes before; it ends early with ctx.
func Frame(ctx context.Context, p *plan.Picture, index int, recording func(plan.PictureTile) string) (*media.Frame, error) {
	args := []string{"-v", "error", "-nostdin"}
	var g, inputs strings.Builder
	var layout []string
	fill := fmt.Sprintf("0x%02x%02x%02x", p.Background[0], p.Background[1], p.Background[2])
	song := p.Rate.Time(index).Seconds()
	for _, t := range p.Tiles {
		file := recording(t)
		if file == "" {
			continue
		}
		at := song*(1+t.DriftPPM*1e-6) + t.Offset.MS()/1000
		seek := math.Max(0, at-lead)
		i := len(layout)
		args = append(args, "-ss", fmt.Sprintf("%.6f", seek), "-i", file)
		fmt.Fprintf(&g, "[%d:v]setpts=PTS-%.6f/TB,fps=%s:start_time=0,trim=end_frame=1,", i, at-seek, p.Rate)
		if c := t.Crop; !c.Whole() {
			fmt.Fprintf(&g, "crop=iw*%g:ih*%g:iw*%g:ih*%g,", c[2], c[3], c[0], c[1])
		}
		fmt.Fprintf(&g, "scale=%d:%d:force_original_aspect_ratio=decrease:force_divisible_by=2,setsar=1,", t.W, t.H)
		fmt.Fprintf(&g, "pad=%d:%d:(ow-iw)/2:(oh-ih)/2:%s,format=yuv420p[v%d];", t.W, t.H, fill, i)
		fmt.Fprintf(&inputs, "[v%d]", i)
		layout = append(layout, fmt.Sprintf("%d_%d", t.X, t.Y))
	}
	switch len(layout) {
	case 0:
		return nil, errors.New("no tile to draw")
	case 1:
		x, y, _ := strings.Cut(layout[0], "_")
		fmt.Fprintf(&g, "[v0]pad=%d:%d:%s:%s:%s[v]", p.Width, p.Height, x, y, fill)
	default:
		fmt.Fprintf(&g, "%sxstack=inputs=%d:fill=%s:layout=%s,pad=%d:%d:0:0:%s,format=yuv420p[v]",
			inputs.String(), len(layout), fill, strings.Join(layout, "|"), p.Width, p.Height, fill)
	}
	args = append(args, "-filter_complex", g.String(), "-map", "[v]", "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-")
	cmd := exec.CommandContext(ctx, "ffmpeg", args...)
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		text := strings.TrimSpace(errOut.String())
		return nil, fmt.Errorf("ffmpeg: %w: %s", err, text[max(0, len(text)-300):])
	}
	return unpack(out.Bytes(), p.Width, p.Height)
}

// unpack takes a raw 4:2:0 picture apart.
func unpack(raw []byte, w, h int) (*media.Frame, error) {
	if want := w * h * 3 / 2; len(raw) != want {
		return nil, fmt.Errorf("ffmpeg: %d bytes, want %d for %dx%d", len(raw), want, w, h)
	}
	f := &media.Frame{SubX: 1, SubY: 1, Depth: 8, Color: media.CanvasColor, Siting: media.SitingLeft}
	for i := range f.Planes {
		pw, ph := w, h
		if i > 0 {
			pw, ph = w/2, h/2
		}
		f.Planes[i] = media.Plane{Data: raw[:pw*ph], Stride: pw, Width: pw, Height: ph}
		raw = raw[pw*ph:]
	}
	return f, nil
}

// Distance is how far two pictures' luma is apart.
type Distance struct {
	PSNR float64 // dB, at most 99
	SSIM float64 // mean over blocks of 8x8, 1 for equal pictures
}

// Compare measures two planes of one size.
//
// SSIM: Wang, Bovik, Sheikh, Simoncelli 2004, with K1 = 0.01 and K2 = 0.03, over
// 8x8 blocks every 4 pixels, as ffmpeg's filter and x264 have it.
func Compare(a, b media.Plane) (Distance, error) {
	if a.Width != b.Width || a.Height != b.Height {
		return Distance{}, fmt.Errorf("%dx%d and %dx%d", a.Width, a.Height, b.Width, b.Height)
	}
	square := 0.0
	for y := range a.Height {
		p, q := a.Data[y*a.Stride:][:a.Width], b.Data[y*b.Stride:][:a.Width]
		row := 0
		for x := range p {
			d := int(p[x]) - int(q[x])
			row += d * d
		}
		square += float64(row)
	}
	d := Distance{PSNR: 99}
	if square > 0 {
		d.PSNR = math.Min(99, 10*math.Log10(255*255*float64(a.Width*a.Height)/square))
	}
	n := 0
	for y := 0; y+8 <= a.Height; y += 4 {
		for x := 0; x+8 <= a.Width; x += 4 {
			d.SSIM += ssim(a, b, x, y)
			n++
		}
	}
	d.SSIM /= float64(max(1, n))
	return d, nil
}

func ssim(a, b media.Plane, x0, y0 int) float64 {
	var sa, sb, aa, bb, ab int
	for y := y0; y < y0+8; y++ {
		p, q := a.Data[y*a.Stride+x0:][:8], b.Data[y*b.Stride+x0:][:8]
		for i, v := range p {
			v, w := int(v), int(q[i])
			sa, sb = sa+v, sb+w
			aa, bb, ab = aa+v*v, bb+w*w, ab+v*w
		}
	}
	const n, c1, c2 = 64, 0.01 * 255 * 0.01 * 255, 0.03 * 255 * 0.03 * 255
	ma, mb := float64(sa)/n, float64(sb)/n
	va, vb, cov := float64(aa)/n-ma*ma, float64(bb)/n-mb*mb, float64(ab)/n-ma*mb
	return (2*ma*mb + c1) * (2*cov + c2) / ((ma*ma + mb*mb + c1) * (va + vb + c2))
}
