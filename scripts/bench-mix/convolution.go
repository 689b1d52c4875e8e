package main

import (
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"

	"github.com/choirless/render/media"
	"github.com/choirless/render/mix"
	"github.com/choirless/render/mix/fft"
)

// benchConvolution: 60 s of stereo through 2 s of stereo response.
func benchConvolution(r *report) error {
	const n, m = 60 * 48000, 2 * 48000
	x := [][]float32{voice(60, 220, 0.2, 1), voice(60, 330, 0.2, 2)}
	hl, hr := reverberation(m)
	in := [][]float32{make([]float32, mix.ConvolveBlock), make([]float32, mix.ConvolveBlock)}
	t, err := best(3, func() error {
		c := mix.NewConvolver([][]float32{hl, hr}, mix.ConvolveBlock)
		for at := 0; at < n+m; at += mix.ConvolveBlock {
			for k := range in {
				clear(in[k])
				if at < n {
					copy(in[k], x[k][at:])
				}
			}
			c.Process(in)
		}
		return nil
	})
	if err != nil {
		return err
	}
	bound := map[string]float64{"go": 0.35, "simd": 0.12}[fft.Kernel]
	r.line(ours("convolution, 60 s stereo, 2 s response"), "%.3f", t, fmt.Sprintf("≤ %.2f", bound), t <= bound)
	if r.child {
		return nil
	}
	a, err := r.writeWAV("in.wav", media.MixRate, x...)
	if err != nil {
		return err
	}
	b, err := r.writeWAV("ir.wav", media.MixRate, hl, hr)
	if err != nil {
		return err
	}
	if err := rivalAfir(r, a, b); err != nil {
		return err
	}
	return rivalZita(r, a, b)
}

func rivalAfir(r *report, in, ir string) error {
	with, err := ffmpeg("-i", in, "-i", ir, "-lavfi", "[0][1]afir=minp=8192:maxp=8192", "-f", "null", "-")
	if errors.Is(err, errNoFFmpeg) {
		r.note("ffmpeg left out: %v", err)
		return nil
	}
	if err != nil {
		return err
	}
	without, err := ffmpeg("-i", in, "-i", ir, "-lavfi", "[0][1]amerge", "-f", "null", "-")
	if err != nil {
		return err
	}
	r.line("  ffmpeg afir, whole process", "%.3f", with, "", true)
	r.line("  ffmpeg afir, less the same process without it", "%.3f", with-without, "", true)
	return nil
}

func rivalZita(r *report, in, ir string) error {
	tool := r.nativeTool()
	if tool == "" {
		return nil
	}
	for _, q := range []int{8192, 1024} {
		out, err := exec.Command(tool, "zita", in, ir, strconv.Itoa(q)).Output()
		if err != nil {
			return err
		}
		t, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
		if err != nil {
			return err
		}
		r.line(fmt.Sprintf("  zita-convolver, quantum %d", q), "%.3f", t, "", true)
	}
	return nil
}
