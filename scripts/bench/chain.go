package main

import (
	"context"
	"fmt"
	"path/filepath"
	"sort"
	"strings"

	"github.com/choirless/render/definition"
)

// chain is the original's sequence of commands (snapshot, convert, one command
// per row, stack, post-production), without its process starts and its network:
// x264 at 640x480, then MPEG-2 rows at the default bit rate, MPEG-2 stack, x264.
func (w *work) chain(ctx context.Context, m *meter, final, scratch string, lossless bool) error {
	in := w.shown()
	converted := make([]string, len(in))
	for i, p := range in {
		raw := w.files[p.PartID]
		converted[i] = filepath.Join(scratch, fmt.Sprintf("part-%d.nut", i))
		if err := m.command(ctx, "ffmpeg", "-v", "error", "-y", "-nostdin", "-i", raw, "-frames:v", "1", converted[i]+".jpg"); err != nil {
			return err
		}
		if err := m.command(ctx, "ffmpeg", "-v", "error", "-y", "-nostdin", "-i", raw,
			"-vf", "fps=25:round=up,scale=640:480:force_original_aspect_ratio=decrease:force_divisible_by=2,format=yuv420p",
			"-c:v", "libx264", "-preset", "fast", "-ac", "1", "-ar", "48000", "-c:a", "pcm_f32le", converted[i]); err != nil {
			return err
		}
	}
	rows, err := w.chainRows(ctx, m, in, converted, scratch)
	if err != nil {
		return err
	}
	pre := filepath.Join(scratch, "preprod.nut")
	if err := w.chainStack(ctx, m, rows, pre); err != nil {
		return err
	}
	args := []string{
		"-v", "error", "-y", "-nostdin", "-i", pre, "-i", w.ir,
		"-filter_complex", fmt.Sprintf("[0:v]pad=%d:%d[v];[0:a]asplit[d][r];[r][1:a]afir=dry=10:wet=10[rv];[d][rv]amix=inputs=2:weights=0.9 0.1[a]", w.width, w.height),
		"-map", "[v]", "-map", "[a]", "-t", fmt.Sprintf("%.3f", w.seconds),
	}
	args = append(args, x264(lossless)...)
	if err := m.command(ctx, "ffmpeg", append(args, "-c:a", "aac", "-b:a", "192k", final)...); err != nil {
		return err
	}
	return m.command(ctx, "ffmpeg", "-v", "error", "-y", "-nostdin", "-i", final, "-frames:v", "1", filepath.Join(scratch, "final.jpg"))
}

// chainRows renders one file per row of tiles, top to bottom.
func (w *work) chainRows(ctx context.Context, m *meter, in []definition.Input, converted []string, scratch string) ([]string, error) {
	byTop := map[int][]int{}
	for i, p := range in {
		y := int(p.Position.Or(definition.Pair{})[1])
		byTop[y] = append(byTop[y], i)
	}
	tops := make([]int, 0, len(byTop))
	for y := range byTop {
		tops = append(tops, y)
	}
	sort.Ints(tops)
	var rows []string
	bottom := 0 // of the row before: each file begins there, so that stacking keeps the geometry
	for r, y := range tops {
		out := filepath.Join(scratch, fmt.Sprintf("row-%d.nut", r))
		args := []string{"-v", "error", "-y", "-nostdin"}
		var g, vs, as strings.Builder
		var lay []string
		height := 0
		for k, i := range byTop[y] {
			p := in[i]
			size, pos := p.Size.Or(definition.Pair{}), p.Position.Or(definition.Pair{})
			height = max(height, int(size[1]))
			s := max(0, p.Offset.Or(0)/1000) // the original cannot delay
			l, rr := equalPower(p.Pan.Or(0))
			args = append(args, "-i", converted[i])
			fmt.Fprintf(&g, "[%d:v]trim=start=%.3f,setpts=PTS-STARTPTS,scale=%d:%d,setsar=1[v%d];", k, s, int(size[0]), int(size[1]), k)
			fmt.Fprintf(&g, "[%d:a]atrim=start=%.3f,asetpts=PTS-STARTPTS,pan=stereo|c0=%.4f*c0|c1=%.4f*c0[a%d];", k, s, l, rr, k)
			fmt.Fprintf(&vs, "[v%d]", k)
			fmt.Fprintf(&as, "[a%d]", k)
			lay = append(lay, fmt.Sprintf("%d_0", int(pos[0])))
		}
		n, above := len(byTop[y]), y-bottom
		bottom = y + height
		if n == 1 {
			fmt.Fprintf(&g, "%spad=%d:%d:%s:%d[v];", vs.String(), w.width, above+height, strings.TrimSuffix(lay[0], "_0"), above)
		} else {
			fmt.Fprintf(&g, "%sxstack=inputs=%d:fill=black:layout=%s,pad=%d:%d:0:%d[v];", vs.String(), n, strings.Join(lay, "|"), w.width, above+height, above)
		}
		fmt.Fprintf(&g, "%samix=inputs=%d[a]", as.String(), n)
		args = append(args, "-filter_complex", g.String(), "-map", "[v]", "-map", "[a]", "-r", "25",
			"-c:v", "mpeg2video", "-c:a", "pcm_s16le", out)
		if err := m.command(ctx, "ffmpeg", args...); err != nil {
			return nil, err
		}
		rows = append(rows, out)
	}
	return rows, nil
}

func (w *work) chainStack(ctx context.Context, m *meter, rows []string, out string) error {
	args := []string{"-v", "error", "-y", "-nostdin"}
	var vs, as strings.Builder
	for i, r := range rows {
		args = append(args, "-i", r)
		fmt.Fprintf(&vs, "[%d:v]", i)
		fmt.Fprintf(&as, "[%d:a]", i)
	}
	n := len(rows)
	stack := fmt.Sprintf("%svstack=inputs=%d,crop=iw:min(ih\\,%d)[v];%samix=inputs=%d[a]", vs.String(), n, w.height, as.String(), n)
	if n == 1 {
		stack = fmt.Sprintf("[0:v]crop=iw:min(ih\\,%d)[v];[0:a]anull[a]", w.height)
	}
	args = append(args, "-filter_complex", stack, "-map", "[v]", "-map", "[a]", "-c:v", "mpeg2video", "-c:a", "pcm_s16le", out)
	return m.command(ctx, "ffmpeg", args...)
}
