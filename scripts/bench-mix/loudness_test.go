package main

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/choirless/render/media"
	"github.com/choirless/render/mix"
)

// native builds the tool that runs libebur128.
func native(t *testing.T) string {
	t.Helper()
	for _, header := range []string{"ebur128.h", "zita-convolver.h"} {
		if _, err := os.Stat("/usr/include/" + header); err != nil {
			t.Skip("needs Debian's libebur128-dev and libzita-convolver-dev (scripts/setup installs them)")
		}
	}
	if _, err := exec.LookPath("g++"); err != nil {
		t.Skip("needs g++ (scripts/setup installs it)")
	}
	tool := filepath.Join(t.TempDir(), "native")
	if err := buildNative("native", tool); err != nil {
		t.Fatal(err)
	}
	return tool
}

// Twenty varied mixes, some at 44.1 kHz: what we measure is what libebur128 measures.
func TestLoudnessAgainstLibebur128(t *testing.T) {
	tool := native(t)
	r := &report{dir: t.TempDir()}
	var names []string
	var ours []judgement
	for i := range 20 {
		at := media.MixRate
		if i%4 == 3 {
			at = 44100
		}
		left, right := variedMix(i, 5)
		m := mix.NewMeter(at, 2)
		m.Write([][]float32{left, right})
		ours = append(ours, judgement{float64(m.Integrated()), m.Range(), float64(m.TruePeak())})
		path, err := r.writeWAV(fmt.Sprintf("mix-%d.wav", i), at, left, right)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, path)
	}
	theirs, err := libebur128(tool, names)
	if err != nil {
		t.Fatal(err)
	}
	least, most := math.Inf(1), math.Inf(-1)
	for i, want := range theirs {
		least, most = min(least, want.lufs), max(most, want.lufs)
		if d := math.Abs(ours[i].lufs - want.lufs); !(d <= 0.05) {
			t.Errorf("mix %d: %.3f LUFS, libebur128 %.3f", i, ours[i].lufs, want.lufs)
		}
		// Its interpolator has 12 taps, ours 32, which sees more between samples of noise.
		if d := ours[i].peak - want.peak; !(d >= -0.1 && d <= 1) {
			t.Errorf("mix %d: true peak %.2f dBTP, libebur128 %.2f", i, ours[i].peak, want.peak)
		}
	}
	if most-least < 10 {
		t.Errorf("the mixes lie between %.1f and %.1f LUFS: not varied", least, most)
	}
}

// What the limiter lets through is below its ceiling by another meter than ours,
// on mixes with impulses 12 dB above all else.
func TestLimiterAgainstLibebur128(t *testing.T) {
	tool := native(t)
	r := &report{dir: t.TempDir()}
	var names []string
	for i := range 4 {
		out, m, err := limitedMix(r.dir, i, 2)
		if err != nil {
			t.Fatal(err)
		}
		if m.LimitDB < 3 {
			t.Errorf("mix %d: the limiter takes %.1f dB, want something to do", i, m.LimitDB)
		}
		path, err := r.writeWAV(fmt.Sprintf("limited-%d.wav", i), media.MixRate, out[:]...)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, path)
	}
	theirs, err := libebur128(tool, names)
	if err != nil {
		t.Fatal(err)
	}
	for i, j := range theirs {
		if !(j.peak <= -1+0.1) || !(math.Abs(j.lufs+14) <= 0.2) {
			t.Errorf("mix %d: libebur128 sees %.2f dBTP and %.2f LUFS, want at most -0.9 and -14", i, j.peak, j.lufs)
		}
	}
}
