package stitch

import (
	"context"
	"io"
	"math/rand/v2"
	"testing"
)

// syntheticStripe is a stripe of 1920 x 352 whose coded data is noise: joining
// looks at headers and moves the rest, so that it costs what a real one costs.
// 40 kB a picture over three stripes is 10 Mbit/s at 30 pictures a second.
func syntheticStripe(cabac bool, pictures int) []byte {
	const slice = 40_000 / 3
	rnd := rand.New(rand.NewPCG(1, 2))
	out := startCodes(nil, spsBits{profile: 100, chroma: 1, log2FrameNum: 4, width: 120, height: 22, progressive: true}.nal())
	out = startCodes(out, ppsBits{cabac: cabac, control: true}.nal())
	data := make([]byte, slice)
	for n := range pictures {
		for i := range data {
			data[i] = byte(rnd.Uint32())
		}
		b := sliceBits{header: 0x41, kind: 5, frameNum: uint32(n % 16), poc: uint32(2 * n % 64)}
		if n%60 == 0 {
			b = sliceBits{header: 0x65, kind: 7, idr: uint32(n / 60 & 1)}
		}
		out = startCodes(out, b.nal(cabac, data))
	}
	return out
}

// Goal: 2,000 pictures a second of 1080p.
func BenchmarkJoin1080p(b *testing.B) {
	for _, c := range []struct {
		name  string
		cabac bool
	}{{"cabac", true}, {"cavlc", false}} {
		b.Run(c.name, func(b *testing.B) {
			const pictures = 300
			s := inMemory(syntheticStripe(c.cabac, pictures))
			segs := []Segment{{Stripes: []Opener{s, s, s}, Frames: pictures}}
			b.ReportAllocs()
			b.ResetTimer()
			var bytes int64
			for range b.N {
				stats, err := Join(context.Background(), io.Discard, segs, JoinOptions{AnyMotion: true})
				if err != nil {
					b.Fatal(err)
				}
				bytes = stats.Bytes
			}
			b.SetBytes(bytes)
			b.ReportMetric(float64(pictures*b.N)/b.Elapsed().Seconds(), "pictures/s")
		})
	}
}
