package mix

import (
	"math"
	"testing"
)

// TestReverbIsTheMasters: block by block the same sound as Master makes of the
// same sum, before its gain.
func TestReverbIsTheMasters(t *testing.T) {
	const samples = 5*BlockSize + 777
	src := [][]float32{hiss(make([]float32, samples), 0.1, 1), hiss(make([]float32, samples), 0.1, 2)}
	o := MasterOptions{Room: "studio", Wet: 0.3, Target: -16, Ceiling: -1}
	var want [2][]float32
	o.Stems = func(dry, wet [][]float32) error {
		for c := range want {
			for i := range dry[c] {
				want[c] = append(want[c], dry[c][i]+wet[c][i])
			}
		}
		return nil
	}
	open := func() (Source, error) { return &memory{channels: src}, nil }
	if _, err := Master(t.Context(), []func() (Source, error){open}, samples, o, func([][]float32) error { return nil }); err != nil {
		t.Fatal(err)
	}
	r, err := NewReverb(o)
	if err != nil {
		t.Fatal(err)
	}
	for at := 0; at < samples-endFade; at += BlockSize {
		n := min(BlockSize, samples-at)
		dry := [][]float32{clone([][]float32{src[0][at : at+n]})[0], clone([][]float32{src[1][at : at+n]})[0]}
		r.Add(dry, [][]float32{src[0][at : at+n], src[1][at : at+n]})
		for c := range dry {
			for i, v := range dry[c] {
				if at+i >= samples-endFade {
					break
				}
				if d := math.Abs(float64(v - want[c][at+i])); d > 1e-5 { // the bound of the convolver
					t.Fatalf("channel %d, sample %d: %g, want %g", c, at+i, v, want[c][at+i])
				}
			}
		}
	}
	if _, err := NewReverb(MasterOptions{Room: "cave", Wet: 0.1}); err == nil {
		t.Error("an unknown room was accepted")
	}
}
