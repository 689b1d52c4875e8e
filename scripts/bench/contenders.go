package main

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/choirless/render/definition"
	"github.com/choirless/render/media"
	"github.com/choirless/render/mix"
)

// work is one case: a song, its definition, and what the rivals need beside it.
type work struct {
	dir, out, bin string
	source        string // folder the recordings come from
	parts         int
	def           *definition.Definition
	ir            string // impulse response for the rivals
	files         map[definition.PartID]string
	width, height int
	seconds       float64              // of the song
	runs          map[string][]stretch // labels by recording, as far as read
}

// prepare has our planner make the definition that everybody renders. It starts
// from nothing, as our render does: parts that are known already stay where they
// were found among others.
func (w *work) prepare(ctx context.Context) error {
	cache, err := os.MkdirTemp(w.out, "plan-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(cache)
	cmd := exec.CommandContext(ctx, w.bin, "plan", w.dir, "--cache", cache, "--json")
	cmd.Stderr = os.Stderr
	b, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("choirless plan: %w", err)
	}
	if w.def, err = definition.Parse(b); err != nil {
		return err
	}
	files, err := recordings(w.dir)
	if err != nil {
		return err
	}
	w.files = map[definition.PartID]string{}
	for _, f := range files {
		k, err := definition.ParseRawKey(filepath.Base(f))
		if err != nil {
			return err
		}
		w.files[k.Part] = f
	}
	size := w.def.Output.Size.Or(definition.Pair{1920, 1080})
	w.width, w.height = int(size[0]), int(size[1])
	if w.seconds, err = duration(ctx, files[0]); err != nil {
		return err
	}
	w.ir = filepath.Join(w.out, "hall.wav")
	return writeRoom(w.ir)
}

// writeRoom gives the rivals an impulse response as long as our hall's: two
// seconds of decaying noise. Only its length matters here.
func writeRoom(file string) error {
	const samples = 2 * int64(media.MixRate)
	rng := rand.New(rand.NewPCG(1, 2))
	pcm := [][]float32{make([]float32, samples), make([]float32, samples)}
	for i := range samples {
		decay := math.Exp(-6.9 * float64(i) / float64(samples))
		for c := range pcm {
			pcm[c][i] = float32(0.05 * decay * rng.NormFloat64())
		}
	}
	var b bytes.Buffer
	wav, err := mix.NewWAVWriter(&b, media.MixRate, len(pcm), samples)
	if err != nil {
		return err
	}
	if err := wav.Write(pcm); err != nil {
		return err
	}
	if err := wav.Close(); err != nil {
		return err
	}
	return os.WriteFile(file, b.Bytes(), 0o644)
}

// duration is the length of the picture of a file: the packet that ends last.
func duration(ctx context.Context, file string) (float64, error) {
	out, err := exec.CommandContext(ctx, "ffprobe", "-v", "error", "-select_streams", "v:0",
		"-show_entries", "packet=pts_time", "-of", "csv=p=0", file).Output()
	if err != nil {
		return 0, fmt.Errorf("ffprobe %s: %w", file, err)
	}
	most := 0.0
	for line := range strings.Lines(string(out)) {
		var t float64
		if _, err := fmt.Sscan(strings.Trim(line, ",\n"), &t); err == nil {
			most = max(most, t)
		}
	}
	return most, nil
}

func (w *work) ours(ctx context.Context, m *meter, final, scratch string, lossless bool) error {
	args := []string{"render", w.dir, "--out", final, "--cache", scratch, "--report", final + ".json"}
	if lossless {
		args = append(args, "--crf", "1")
	}
	return m.command(ctx, w.bin, args...)
}

// shown are the inputs with a tile, heard the ones with sound; here all of them.
func (w *work) shown() []definition.Input {
	var in []definition.Input
	for _, i := range w.def.Inputs {
		if i.Shown() {
			in = append(in, i)
		}
	}
	return in
}

// trim is the video and audio filter that puts a part on song time.
func trim(in definition.Input) (video, audio string) {
	s := in.Offset.Or(0) / 1000
	video = fmt.Sprintf("setpts=PTS-%.6f/TB,fps=25:start_time=0", s)
	if s >= 0 {
		return video, fmt.Sprintf("atrim=start=%.6f,asetpts=PTS-STARTPTS", s)
	}
	return video, fmt.Sprintf("adelay=delays=%.3f:all=1", -s*1000)
}

// equalPower returns the gains of constant power panning for pan -1..1.
func equalPower(pan float64) (l, r float64) {
	a := (pan + 1) / 2 * math.Pi / 2
	return math.Cos(a), math.Sin(a)
}

func x264(lossless bool) []string {
	if lossless {
		return []string{"-c:v", "libx264", "-preset", "veryfast", "-crf", "1", "-pix_fmt", "yuv420p"}
	}
	return []string{"-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p"}
}

// one is the one ffmpeg graph: scale, xstack, mix, reverb, loudnorm.
func (w *work) one(ctx context.Context, m *meter, final, scratch string, lossless bool) error {
	args := []string{"-v", "error", "-y", "-nostdin"}
	var g, vs, as strings.Builder
	var lay []string
	in := w.shown()
	for i, p := range in {
		size, pos := p.Size.Or(definition.Pair{}), p.Position.Or(definition.Pair{})
		v, a := trim(p)
		l, r := equalPower(p.Pan.Or(0))
		args = append(args, "-i", w.files[p.PartID])
		fmt.Fprintf(&g, "[%d:v]%s,scale=%d:%d:force_original_aspect_ratio=decrease:force_divisible_by=2,setsar=1[v%d];", i, v, int(size[0]), int(size[1]), i)
		fmt.Fprintf(&g, "[%d:a]%s,aresample=48000,pan=stereo|c0=%.4f*c0|c1=%.4f*c0[a%d];", i, a, l, r, i)
		fmt.Fprintf(&vs, "[v%d]", i)
		fmt.Fprintf(&as, "[a%d]", i)
		lay = append(lay, fmt.Sprintf("%d_%d", int(pos[0]), int(pos[1])))
	}
	n := len(in)
	fmt.Fprintf(&g, "%sxstack=inputs=%d:fill=black:layout=%s,pad=%d:%d,format=yuv420p[v];", vs.String(), n, strings.Join(lay, "|"), w.width, w.height)
	fmt.Fprintf(&g, "%samix=inputs=%d:normalize=0:dropout_transition=0,volume=0.35,asplit[d][r];[r][%d:a]afir=dry=0:wet=1[rv];", as.String(), n, n)
	g.WriteString("[d][rv]amix=inputs=2:normalize=0:weights=0.9 0.1,aformat=channel_layouts=stereo,loudnorm=I=-16:TP=-1.5:LRA=11,aresample=48000,aformat=channel_layouts=stereo[a]")
	args = append(args, "-i", w.ir, "-filter_complex", g.String(), "-map", "[v]", "-map", "[a]", "-r", "25", "-t", fmt.Sprintf("%.3f", w.seconds))
	args = append(args, x264(lossless)...)
	args = append(args, "-c:a", "aac", "-b:a", "192k", "-movflags", "+faststart", final)
	return m.command(ctx, "ffmpeg", args...)
}
