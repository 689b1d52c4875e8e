package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os/exec"
	"strings"

	"github.com/choirless/render/media"
	"github.com/choirless/render/mix"
)

// benchResample: a stereo minute, and what 20 kHz looks like afterwards.
func benchResample(r *report) error {
	for _, c := range []struct{ in, out media.SampleRate }{{44100, 48000}, {48000, 44100}, {44056, 48000}, {16000, 48000}} {
		in := [][]float32{make([]float32, 4096), make([]float32, 4096)}
		t, err := best(3, func() error {
			rs := mix.NewResampler(c.in, c.out, 2)
			for at := 0; at < 60*int(c.in); at += 4096 {
				rs.Process(in)
			}
			return nil
		})
		if err != nil {
			return err
		}
		name := fmt.Sprintf("resampler %d to %d, stereo minute", c.in, c.out)
		r.line(ours(name), "%.3f", t, "≤ 0.1", t <= 0.1)
		if r.child {
			continue
		}
		worst := math.Inf(1)
		for _, f := range []float64{997, 5003, 10007, 15013, 18013, 20011} {
			if f < 0.45*float64(c.in) {
				worst = min(worst, toneSNR(c.in, c.out, f))
			}
		}
		r.line("  worst signal to error of six tones to 20 kHz, dB", "%.1f", worst, "≥ 120", worst >= 120)
	}
	return nil
}

func toneSNR(in, out media.SampleRate, f float64) float64 {
	x := make([]float32, int(in))
	for i := range x {
		x[i] = float32(0.5 * math.Sin(2*math.Pi*f*float64(i)/float64(in)))
	}
	y := mix.NewResampler(in, out, 1).Process([][]float32{x})[0]
	y = y[len(y)/4 : len(y)*3/4]
	var ss, sc, cc, xs, xc float64
	for i, v := range y {
		s, c := math.Sincos(2 * math.Pi * f * float64(i) / float64(out))
		ss, sc, cc, xs, xc = ss+s*s, sc+s*c, cc+c*c, xs+float64(v)*s, xc+float64(v)*c
	}
	d := ss*cc - sc*sc
	a, b := (xs*cc-xc*sc)/d, (xc*ss-xs*sc)/d
	e := 0.0
	for i, v := range y {
		s, c := math.Sincos(2 * math.Pi * f * float64(i) / float64(out))
		q := float64(v) - a*s - b*c
		e += q * q
	}
	return 10 * math.Log10((a*a+b*b)/2/(e/float64(len(y))))
}

// variedMix makes the i-th of twenty mixes: few or many voices, 10 s and up to more
// seconds more, with noise, silence, changes of level and hard clipping in between.
func variedMix(i int, more float64) (l, r []float32) {
	g := rand.New(rand.NewPCG(uint64(i), 20))
	n := 10 + g.Float64()*more
	l, r = make([]float32, int(n*rate)), make([]float32, int(n*rate))
	for v := range 1 + i%6 {
		x := voice(n, 80+g.Float64()*400, 0.02+g.Float64()*0.2, uint64(100*i+v))
		pan := g.Float64()
		for k, s := range x {
			l[k] += s * float32(1-pan)
			r[k] += s * float32(pan)
		}
	}
	for at := 0; at < len(l); at += 48000 * 4 {
		gain := float32(math.Pow(10, -float64(g.IntN(1+3*i))/20))
		noise := float32(g.Float64() * 0.01 * float64(i%4))
		for k := at; k < min(len(l), at+48000*4); k++ {
			l[k] = max(-1, min(1, l[k]*gain+noise*(g.Float32()-0.5)))
			r[k] = max(-1, min(1, r[k]*gain+noise*(g.Float32()-0.5)))
		}
	}
	if i%5 == 4 {
		clear(l[len(l)/3 : len(l)/2])
		clear(r[len(r)/3 : len(r)/2])
	}
	return l, r
}

// benchLoudness: the meter beside libebur128 on twenty mixes.
func benchLoudness(r *report) error {
	var names []string
	var meters []*mix.Meter
	for i := range 20 {
		at := media.MixRate
		if i%4 == 3 {
			at = 44100
		}
		l, rr := variedMix(i, 35)
		m := mix.NewMeter(at, 2)
		m.Write([][]float32{l, rr})
		meters = append(meters, m)
		path, err := r.writeWAV(fmt.Sprintf("mix-%d.wav", i), at, l, rr)
		if err != nil {
			return err
		}
		names = append(names, path)
	}
	if err := rangeAgainstFFmpeg(r, names, meters); err != nil {
		return err
	}
	tool := r.nativeTool()
	if tool == "" {
		return nil
	}
	theirs, err := libebur128(tool, names)
	if err != nil {
		return err
	}
	var dI, dR, dP float64
	for i, t := range theirs {
		dI = max(dI, math.Abs(t.lufs-float64(meters[i].Integrated())))
		dR = max(dR, math.Abs(t.lra-meters[i].Range()))
		dP = max(dP, math.Abs(t.peak-float64(meters[i].TruePeak())))
	}
	r.line("integrated loudness against libebur128, 20 mixes, LU", "%.4f", dI, "≤ 0.05", dI <= 0.05)
	r.line("  loudness range (theirs looks every 1 s, not 0.1 s), LU", "%.2f", dR, "", true)
	r.line("  true peak (theirs interpolates with 12 taps, ours 32), dB", "%.3f", dP, "", true)
	return nil
}

// judgement is what a meter says of a file: LUFS, LU, dBTP.
type judgement struct{ lufs, lra, peak float64 }

// libebur128 measures float WAV files with the native tool.
func libebur128(tool string, files []string) ([]judgement, error) {
	out, err := exec.Command(tool, append([]string{"loudness"}, files...)...).Output()
	if err != nil {
		return nil, fmt.Errorf("libebur128: %w", err)
	}
	var all []judgement
	for line := range strings.Lines(string(out)) {
		var j judgement
		if _, err := fmt.Sscan(line, &j.lufs, &j.lra, &j.peak); err != nil {
			return nil, fmt.Errorf("libebur128: %w", err)
		}
		all = append(all, j)
	}
	if len(all) != len(files) {
		return nil, errors.New("libebur128: lines are missing")
	}
	return all, nil
}

// rangeAgainstFFmpeg compares the loudness range with ffmpeg's ebur128, which
// looks every 0.1 s as we do.
func rangeAgainstFFmpeg(r *report, names []string, meters []*mix.Meter) error {
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		return nil
	}
	worst := 0.0
	for i, name := range names {
		out, err := exec.Command("ffmpeg", "-hide_banner", "-nostats", "-i", name, "-af", "ebur128", "-f", "null", "-").CombinedOutput()
		if err != nil {
			return fmt.Errorf("ffmpeg: %w: %s", err, out)
		}
		_, summary, _ := strings.Cut(string(out), "Summary:")
		_, rest, _ := strings.Cut(summary, "LRA:")
		var lra float64
		if _, err := fmt.Sscan(rest, &lra); err != nil {
			return err
		}
		worst = max(worst, math.Abs(lra-meters[i].Range()))
	}
	r.line("loudness range against ffmpeg ebur128, 20 mixes, LU", "%.2f", worst, "≤ 1", worst <= 1)
	return nil
}

// benchLimiter: the worst true peak over a ceiling of -1 dBTP.
func benchLimiter(r *report) error {
	worst, miss := math.Inf(-1), 0.0
	var names []string
	for i := range 12 {
		out, m, err := limitedMix(r.dir, i, 35)
		if err != nil {
			return err
		}
		path, err := r.writeWAV(fmt.Sprintf("limited-%d.wav", i), media.MixRate, out[:]...)
		if err != nil {
			return err
		}
		names = append(names, path)
		worst = max(worst, float64(m.TruePeak)+1)
		miss = max(miss, math.Abs(float64(m.Integrated)+14))
		r.note("mix %d: input %.1f LUFS, gain %+.1f dB, limiter %.1f dB, %.2f LUFS", i, float64(m.InputLUFS), m.GainDB, m.LimitDB, float64(m.Integrated))
	}
	r.line("limiter, true peak over the ceiling, 12 mixes, dB", "%.3f", worst, "≤ 0.1", worst <= 0.1)
	r.line("  loudness off its target, LU", "%.3f", miss, "≤ 0.2", miss <= 0.2)
	if tool := r.nativeTool(); tool != "" {
		theirs, err := libebur128(tool, names)
		if err != nil {
			return err
		}
		over := math.Inf(-1)
		for _, t := range theirs {
			over = max(over, t.peak+1)
		}
		r.line("  the same peaks by libebur128, dB over the ceiling", "%.3f", over, "≤ 0.1", over <= 0.1)
	}
	over := math.Inf(-1)
	for _, name := range names {
		peak, ok := ffmpegPeak(name)
		if !ok {
			return nil
		}
		over = max(over, peak+1)
	}
	r.line("  the same by ffmpeg ebur128 (to 0.1 dB)", "%.1f", over, "≤ 0.1", over <= 0.1+1e-9)
	return nil
}

// limitedMix masters the i-th varied mix with impulses added, to -14 LUFS and -1 dBTP.
func limitedMix(dir string, i int, more float64) (out [2][]float32, m mix.Mastered, err error) {
	l, rr := variedMix(i, more)
	peak := float32(0)
	for k := range l {
		peak = max(peak, l[k], -l[k])
	}
	for k := 4801; k < len(l)-1; k += 9600 + 37*i { // impulses 12 dB above all else
		l[k], l[k+1] = 4*peak, -4*peak
	}
	vs := []mix.Voice{{Name: "l", Gain: 1, Send: 1, Open: func() (mix.Source, error) {
		return &stereo{l: l, r: rr}, nil
	}}}
	m, err = produceTo(dir, vs, 1, int64(len(l)), mix.MasterOptions{Wet: 0.1, Target: -14, Ceiling: -1}, func(y [][]float32) error {
		out[0], out[1] = append(out[0], y[0]...), append(out[1], y[1]...)
		return nil
	})
	return out, m, err
}

// ffmpegPeak returns the true peak in dBTP as ffmpeg sees it.
func ffmpegPeak(name string) (float64, bool) {
	out, err := exec.Command("ffmpeg", "-hide_banner", "-nostats", "-i", name, "-af", "ebur128=peak=true", "-f", "null", "-").CombinedOutput()
	if err != nil {
		return 0, false
	}
	_, summary, _ := strings.Cut(string(out), "Summary:")
	_, rest, _ := strings.Cut(summary, "Peak:")
	var peak float64
	_, err = fmt.Sscan(rest, &peak)
	return peak, err == nil
}

// stereo is a Source over two channels in memory.
type stereo struct {
	l, r []float32
	done bool
}

func (s *stereo) Read() (media.Block, error) {
	if s.done {
		return media.Block{}, io.EOF
	}
	s.done = true
	return media.Block{Rate: media.MixRate, Channels: [][]float32{s.l, s.r}}, nil
}

func (s *stereo) Close() error { return nil }
