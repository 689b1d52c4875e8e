package mix

import (
	"math"

	"github.com/choirless/render/media"
)

// foldGains lists, for a number of channels in the usual order (ITU-R BS.2051,
// WAVE), what each adds to left and right before the sum is scaled. ITU-R
// BS.775-3 annex 4: centre and surrounds at -3 dB, the LFE left out.
var foldGains = map[int][][2]float64{
	3: {{1, 0}, {0, 1}, {h, h}},                                         // L R C
	4: {{1, 0}, {0, 1}, {h, 0}, {0, h}},                                 // L R Ls Rs
	5: {{1, 0}, {0, 1}, {h, h}, {h, 0}, {0, h}},                         // L R C Ls Rs
	6: {{1, 0}, {0, 1}, {h, h}, {0, 0}, {h, 0}, {0, h}},                 // 5.1
	7: {{1, 0}, {0, 1}, {h, h}, {0, 0}, {.5, .5}, {h, 0}, {0, h}},       // 6.1
	8: {{1, 0}, {0, 1}, {h, h}, {0, 0}, {h, 0}, {0, h}, {h, 0}, {0, h}}, // 7.1
}

// h is -3 dB.
const h = math.Sqrt2 / 2

// FoldDown makes stereo of more than two channels (ITU-R BS.775-3). The gains
// are scaled so that no input of full scale can clip: 5.1 comes out 7.7 dB
// lower than its front pair, which the balance of the mix makes up for. Mono
// and stereo are returned unchanged; otherwise the result owns its samples.
// With more than 8 channels all are averaged into both sides.
func FoldDown(b media.Block) media.Block {
	n := len(b.Channels)
	if n <= 2 {
		return b
	}
	gains := foldGains[n]
	if gains == nil {
		gains = make([][2]float64, n)
		for c := range gains {
			gains[c] = [2]float64{1, 1}
		}
	}
	out := media.Block{Start: b.Start, Rate: b.Rate, Channels: make([][]float32, 2)}
	for side := range out.Channels {
		sum := 0.0
		for _, g := range gains {
			sum += g[side]
		}
		y := make([]float32, b.Len())
		for c, g := range gains {
			if f := float32(g[side] / sum); f != 0 {
				for i, v := range b.Channels[c][:len(y)] {
					y[i] += f * v
				}
			}
		}
		out.Channels[side] = y
	}
	return out
}

// Mono returns the mean of the two sides of a block after FoldDown: what the
// aligner hears. The result of a mono block is its own channel.
func Mono(b media.Block) []float32 {
	b = FoldDown(b)
	if len(b.Channels) < 2 {
		return b.Channels[0]
	}
	out := make([]float32, b.Len())
	for i, l := range b.Channels[0] {
		out[i] = (l + b.Channels[1][i]) / 2
	}
	return out
}
