package mix

import (
	"fmt"
	"math"

	"github.com/choirless/render/media"
)

// foldGains is what each channel of 5.1 adds to left and right before the sum is
// scaled. ITU-R BS.775-3 annex 4: centre and surrounds at -3 dB, the LFE left out.
var foldGains = [6][2]float64{{1, 0}, {0, 1}, {h, h}, {0, 0}, {h, 0}, {0, h}}

// h is -3 dB.
const h = math.Sqrt2 / 2

// FoldDown makes stereo of 5.1 (ITU-R BS.775-3). The gains are scaled so that no
// input of full scale can clip: it comes out 7.7 dB lower than its front pair, which
// the balance of the mix makes up for. Mono and stereo are returned unchanged;
// otherwise the result owns its samples.
func FoldDown(b media.Block) media.Block {
	n := len(b.Channels)
	if n <= 2 {
		return b
	}
	if n != len(foldGains) {
		panic(fmt.Sprintf("mix: fold-down of %d channels, want 1, 2 or 6", n))
	}
	const sum = 1 + 2*h // of the gains, the same on both sides
	out := media.Block{Start: b.Start, Rate: b.Rate, Channels: make([][]float32, 2)}
	for side := range out.Channels {
		y := make([]float32, b.Len())
		for c, g := range foldGains {
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
