package mix_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/choirless/render/media"
	"github.com/choirless/render/mix"
)

// hum is a Source: a second of a note.
type hum struct {
	hz   float64
	done bool
}

func (h *hum) Read() (media.Block, error) {
	if h.done {
		return media.Block{}, io.EOF
	}
	h.done = true
	x := make([]float32, media.MixRate)
	for i := range x {
		x[i] = float32(0.1 * math.Sin(2*math.Pi*h.hz*float64(i)/float64(media.MixRate)))
	}
	return media.Block{Rate: media.MixRate, Channels: [][]float32{x}}, nil
}

func (h *hum) Close() error { return nil }

// Two voices are added up into a WAV, as a render node does for a stripe, and
// the WAV becomes the final sound, as the coordinator does.
func Example() {
	ctx := context.Background()
	const samples = 48000
	voices := []mix.Voice{
		{Name: "alto", Gain: 1, Send: 1, Pan: -0.3, Open: func() (mix.Source, error) { return &hum{hz: 220}, nil }},
		{
			Name: "bass", Gain: 1, Send: 1, Pan: 0.3, Open: func() (mix.Source, error) { return &hum{hz: 110}, nil },
			Offset: media.Offset(120 * time.Millisecond),
		}, // began to record early: its head is trimmed
	}
	var stripe bytes.Buffer
	w, err := mix.NewWAVWriter(&stripe, media.MixRate, 2, samples)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := mix.Sum(ctx, voices, samples, func(dry, _ [][]float32) error { return w.Write(dry) }); err != nil {
		fmt.Println(err)
		return
	}
	if err := w.Close(); err != nil {
		fmt.Println(err)
		return
	}
	open := func() (mix.Source, error) { return mix.OpenWAV(bytes.NewReader(stripe.Bytes())) }
	n := 0
	m, err := mix.Master(ctx, []func() (mix.Source, error){open}, samples, mix.MasterOptions{Room: "hall", Wet: 0.1, Target: -16, Ceiling: -1},
		func(stereo [][]float32) error { n += len(stereo[0]); return nil })
	fmt.Printf("%d sample frames, %.0f LUFS, under the ceiling: %v, %v\n", n, float64(m.Integrated), m.TruePeak <= -1, err)
	// Output: 48000 sample frames, -16 LUFS, under the ceiling: true, <nil>
}

func ExampleFaults() {
	fmt.Println(mix.Faults(media.Level{LUFS: -18, PeakDB: 0, NoiseDB: -30, Clipped: 0.02}))
	// Output: [clipped: 2.0 % of the samples are at full scale noisy: noise only 12 dB below the singing]
}

func ExamplePanLaw_Gains() {
	l, r := mix.ConstantPower.Gains(0)
	fmt.Printf("%.2f dB %.2f dB\n", mix.DBOf(l), mix.DBOf(r))
	// Output: -3.01 dB -3.01 dB
}
