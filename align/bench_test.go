package align

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/choirless/render/media"
)

// The cost of a minute of sound, by rate.
func BenchmarkExtractor(b *testing.B) {
	for _, rate := range []media.SampleRate{16000, 44100, 48000} {
		r := rand.New(rand.NewPCG(1, 1))
		x := make([]float32, 60*int(rate))
		for i := range x {
			x[i] = float32(0.1 * r.NormFloat64())
		}
		b.Run(fmt.Sprint(int(rate)), func(b *testing.B) {
			for b.Loop() {
				extractedAt(b, x, rate, 960)
			}
		})
	}
}
