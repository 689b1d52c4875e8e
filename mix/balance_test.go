package mix

import (
	"math"
	"testing"

	"github.com/choirless/render/media"
)

func TestSection(t *testing.T) {
	for name, want := range map[string]string{
		"Soprano": "soprano", "S1": "soprano", "sop 2": "soprano", "s": "soprano", "Soprano II": "soprano", "S-II": "soprano",
		"Mezzo-soprano": "mezzo", "Alto": "alto", "A": "alto", "Alti": "alto", "T 1": "tenor", "TENOR": "tenor",
		"Baritone": "baritone", "B2": "bass", "bass": "bass", "Bassi": "bass",
		"": "", "Piano": "", "Anna": "", "Bob": "", "Tim": "", "Solo": "", "7": "",
	} {
		if got := Section(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

// Voices recorded 30 dB apart, with rests and noise, sit within 1.5 LU of each
// other in the mix.
func TestBalanceLevelsVoices(t *testing.T) {
	var parts []BalancePart
	var sounds [][]float32
	for i, db := range []float64{-14, -20, -26, -32, -38, -44} {
		x := append(sung(float64(5+i), 130*math.Pow(1.3, float64(i)), GainOf(db), uint64(i)), make([]float32, 48000*(20-5*(i%3)))...)
		x = hiss(x, GainOf(db-35), uint64(i))
		sounds = append(sounds, x)
		parts = append(parts, BalancePart{Level: levelOf(x), Section: []string{"S", "A", "T", "B", "", "Alto 2"}[i], Volume: 1, Backing: i == 4})
	}
	lo, hi := math.Inf(1), math.Inf(-1)
	for i, g := range Balance(parts) {
		y := make([]float32, len(sounds[i]))
		for k, v := range sounds[i] {
			y[k] = v * float32(g)
		}
		l := levelOf(y).LUFS
		lo, hi = min(lo, l), max(hi, l)
	}
	if hi-lo > 1.5 {
		t.Errorf("spread %.2f LU, want at most 1.5", hi-lo)
	}
	near(t, "middle", (lo+hi)/2, -25.75, 0.5)
}

func TestBalanceVolumeAndLimits(t *testing.T) {
	at := func(lufs float64) media.Level { return media.Level{LUFS: lufs} }
	got := Balance([]BalancePart{
		{Level: at(-26), Volume: 1},
		{Level: at(-26), Volume: 2},
		{Level: at(-26), Volume: 0},
		{Level: at(-69), Volume: 1},
		{Level: media.Level{LUFS: -70, Silent: true}, Volume: 0.7},
		{Level: at(30), Volume: 1},
	})
	for i, want := range []float64{1, 2, 0, GainOf(30), 0.7, GainOf(-40)} {
		near(t, "gain", got[i], want, 1e-12)
	}
	// One more singer changes nobody else.
	alone := Balance([]BalancePart{{Level: at(-33), Section: "T", Volume: 1}})
	among := Balance([]BalancePart{{Level: at(-20), Volume: 1}, {Level: at(-33), Section: "T", Volume: 1}})
	if alone[0] != among[1] {
		t.Errorf("gain %g alone, %g among others", alone[0], among[1])
	}
}
