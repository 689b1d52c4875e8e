package mix

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/choirless/render/media"
)

// How loud is a part "where it really sings"? The gates of BS.1770 answer for a
// programme that hardly pauses; a second alto who sings for 20 s of a song of
// four minutes, over a fan, drags the relative gate down into the fan. So
// singing is found first: blocks of 0.4 s (75 % overlap) are sorted by
// loudness, the loud end (95th percentile of those above -70 LUFS) stands for
// singing, the quiet end (10th) for what the room does by itself, and a block
// counts as sung if it is above both
//
//	loud - 18 dB   a part's own dynamic range, and
//	quiet + 6 dB   when quiet and loud are at least 12 dB apart;
//
// when they are only 5 to 12 dB apart, halfway between them, provided that the
// quiet end is noise: steady, and nothing is quieter (see steady). A long soft
// note is steady too, but there are breaths and rests below it.
//
// The energy mean of the sung blocks is the level. For a part that sings
// throughout this agrees with the integrated loudness within a few tenths.

const (
	levelDynamicLU  = 18
	levelAboveQuiet = 6
	levelContrast   = 12
	levelMinimum    = 5
	steadyHops      = 5    // half a second
	steadyFloor     = 0.4  // -4 dB
	steadyRatio     = 1.35 // 1.3 dB: what 100 ms of noise differ by, and singing exceeds
	silentLUFS      = -60  // below this a part is silent
	silentPeakDB    = -54
	clipLevel       = 0.985 // -0.13 dBFS: lossy codecs blur a clipped top by this much
	clipRun         = 3     // samples
	clippedShare    = 1e-3  // reported from here
	noisySNR        = 20    // dB between singing and noise, reported below
)

// What silence is given as.
const (
	FloorLUFS = -70
	FloorDB   = -120
)

// LevelMeter measures how loud a part is where it really sings, how loud it is
// elsewhere, and how much of it is clipped. Its loudness is that of the part as
// the mix plays it: a stereo part counts with -3 dB per channel, as a mono part
// in the centre does. It keeps 8 bytes per 100 ms. Not safe for concurrent use.
type LevelMeter struct {
	hop     int
	filters []kFilter
	n       int // in the current hop
	k, e    float64
	kHops   []float32 // K-weighted mean square
	eHops   []float32 // plain mean square
	peak    float32
	clipped int64
	total   int64
	runs    []int // length of the run at full scale, per channel
	signs   []bool
}

// NewLevelMeter returns a meter for blocks of the given rate.
func NewLevelMeter(rate media.SampleRate) *LevelMeter {
	m := &LevelMeter{hop: max(1, int(rate)/10), runs: make([]int, 2), signs: make([]bool, 2)}
	m.filters = []kFilter{newKFilter(float64(rate)), newKFilter(float64(rate))}
	return m
}

// Write takes the next block, mono, stereo or 5.1, which is folded down.
func (m *LevelMeter) Write(b media.Block) {
	b = FoldDown(b)
	ch := len(b.Channels)
	for at, n := 0, b.Len(); at < n; {
		take := min(n-at, m.hop-m.n)
		for c, x := range b.Channels {
			x = x[at : at+take]
			weighted, plain, peak := m.filters[c].measure(x)
			m.k += weighted / float64(ch)
			m.e += plain / float64(ch)
			m.peak = max(m.peak, peak)
			if peak < clipLevel {
				m.runs[c] = 0
			} else {
				m.countClipped(c, x)
			}
			m.total += int64(take)
		}
		at += take
		m.n += take
		if m.n == m.hop {
			m.closeHop()
		}
	}
}

func (m *LevelMeter) closeHop() {
	clean := func(v float64) float32 {
		if math.IsNaN(v) {
			return 0
		}
		return float32(v / float64(m.n))
	}
	m.kHops, m.eHops = append(m.kHops, clean(m.k)), append(m.eHops, clean(m.e))
	m.k, m.e, m.n = 0, 0, 0
}

func (m *LevelMeter) countClipped(c int, x []float32) {
	run, sign := m.runs[c], m.signs[c]
	for _, v := range x {
		switch up := v > 0; {
		case abs32(v) < clipLevel:
			run = 0
		case run > 0 && up != sign:
			run = 1
			sign = up
		default:
			run++
			sign = up
			if run == clipRun {
				m.clipped += clipRun
			} else if run > clipRun {
				m.clipped++
			}
		}
	}
	m.runs[c], m.signs[c] = run, sign
}

// Level returns the level of all that was written.
func (m *LevelMeter) Level() media.Level {
	if m.n > 0 && len(m.kHops) < 4 {
		m.closeHop() // a part shorter than half a second
	}
	l := media.Level{LUFS: FloorLUFS, PeakDB: dbFloor(float64(m.peak), FloorDB), NoiseDB: FloorDB}
	if m.total > 0 {
		l.Clipped = float64(m.clipped) / float64(m.total)
	}
	sung, gate := sungLevel(m.kHops)
	if sung > 0 {
		l.LUFS = max(FloorLUFS, float64(lufsOf(sung)))
		l.NoiseDB = m.noise(gate)
	}
	l.Silent = l.LUFS <= silentLUFS || l.PeakDB <= silentPeakDB
	return l
}

// sungLevel returns the mean square over the sung blocks, and the gate that
// tells them, as a mean square. Both are 0 when nothing is above -70 LUFS.
func sungLevel(hops []float32) (mean, gate float64) {
	var blocks, loud []float64
	for i := range hops {
		sum, n := 0.0, 0
		for ; n < 4 && i+n < len(hops); n++ {
			sum += float64(hops[i+n])
		}
		if n < 4 && i > 0 {
			break
		}
		blocks = append(blocks, sum/float64(n))
		if sum/float64(n) > energyOfAbsGate {
			loud = append(loud, sum/float64(n))
		}
	}
	if len(loud) == 0 {
		return 0, 0
	}
	slices.Sort(loud)
	at := func(share float64) float64 { return loud[int(share*float64(len(loud)-1)+0.5)] }
	high, low := at(0.95), at(0.10)
	gate = high * math.Pow(10, -levelDynamicLU/10.)
	switch {
	case low*math.Pow(10, levelContrast/10.) < high:
		gate = max(gate, low*math.Pow(10, levelAboveQuiet/10.))
	case low*math.Pow(10, levelMinimum/10.) < high && steady(hops, low):
		gate = max(gate, math.Sqrt(low*high))
	}
	return gateMean(blocks, max(energyOfAbsGate, gate)), gate
}

// steady reports whether the hops near the mean square quiet are noise: hardly any
// lie well below it, digital silence aside, and at least a twentieth of all hops,
// and half a second, lie in runs of steadyHops that differ by less than steadyRatio.
func steady(hops []float32, quiet float64) bool {
	below, sounding := 0, 0
	for _, h := range hops {
		if h > 0 {
			sounding++
		}
		if h > 0 && float64(h) < steadyFloor*quiet {
			below++
		}
	}
	if below*50 > sounding {
		return false
	}
	n := 0
	for i := 0; i+steadyHops <= len(hops); i++ {
		run := hops[i : i+steadyHops]
		if lo, hi := slices.Min(run), slices.Max(run); hi < steadyRatio*lo && float64(hi) < 1.5*quiet {
			n++
		}
	}
	return n >= steadyHops && n*20 >= len(hops)
}

// noise returns the RMS level in dBFS of the hops between the singing, -120 when
// there is less than half a second of it or it is digital silence. A hop counts when
// it and its neighbours lie below the gate. Soft notes do too, so that the noise is
// what a quarter of the hops stay below: steady as it is, that is nearly its mean.
func (m *LevelMeter) noise(gate float64) float64 {
	var quiet []float32
	for i := range m.kHops {
		below := true
		for j := max(0, i-2); j <= min(len(m.kHops)-1, i+2); j++ {
			below = below && float64(m.kHops[j]) < gate
		}
		if below && m.eHops[i] > 0 {
			quiet = append(quiet, m.eHops[i])
		}
	}
	if len(quiet) < 5 {
		return FloorDB
	}
	slices.Sort(quiet)
	return dbFloor(math.Sqrt(float64(quiet[len(quiet)/4])), FloorDB)
}

// restSteps is how long a pause must be to count as a rest: 1 s.
const restSteps = 10

// Rests returns the stretches of at least a second without singing or playing,
// in part time. Those of the backing drive the gate of the other parts
// (Cleanup.Rests). A part rests where it is below GateThreshold; one without any
// sound rests throughout.
func (m *LevelMeter) Rests() []media.Span {
	l := m.Level()
	limit := math.Pow(10, GateThreshold(l)/10)
	if l.LUFS <= FloorLUFS {
		limit = math.Inf(1)
	}
	const hop = 100 * time.Millisecond
	var out []media.Span
	for i := 0; i < len(m.eHops); {
		n := 0
		for i+n < len(m.eHops) && float64(m.eHops[i+n]) <= limit {
			n++
		}
		if n >= restSteps {
			s := media.Span{From: time.Duration(i) * hop, To: time.Duration(i+n) * hop}
			if i+n == len(m.eHops) { // and what is begun of the next
				s.To += hop * time.Duration(m.n) / time.Duration(m.hop)
			}
			out = append(out, s)
		}
		i += n + 1
	}
	return out
}

// Faults says in words for a person what is wrong with a part of that level:
// silent, clipped, noisy. Nil when nothing is.
func Faults(l media.Level) []string {
	if l.Silent {
		return []string{"silent: nothing to hear"}
	}
	var out []string
	if l.Clipped >= clippedShare {
		out = append(out, fmt.Sprintf("clipped: %.1f %% of the samples are at full scale", 100*l.Clipped))
	}
	if snr := l.LUFS - l.NoiseDB; l.NoiseDB > FloorDB && snr < noisySNR {
		out = append(out, fmt.Sprintf("noisy: noise only %.0f dB below the singing", math.Max(0, snr)))
	}
	return out
}
