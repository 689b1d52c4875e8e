package mix

import (
	"fmt"
	"math"
	"slices"

	"github.com/choirless/render/media"
)

// Loudness after ITU-R BS.1770-4 and EBU R 128, Tech 3341 (momentary 0.4 s,
// short-term 3 s, integrated with gates at -70 LUFS and -10 LU) and Tech 3342
// (range: 10 % to 95 % of the short-term loudness above -70 LUFS and -20 LU).
//
// The mean square is kept in steps of 10 ms: gating blocks begin every 100 ms,
// as the Recommendation says (75 % overlap), but the largest momentary and
// short-term loudness must be found wherever it begins (Tech 3341 cases 10 and
// 13), and a step of 10 ms misses it by 0.1 LU at most. Nothing is binned in a
// histogram; a song of two hours keeps a megabyte of block energies.

const (
	stepsPerSecond  = 100
	momentarySteps  = 40
	shortTermSteps  = 300
	gateSteps       = 10 // a gating block begins every 100 ms
	loudnessOffset  = -0.691
	absoluteGate    = -70
	surroundWeight  = 1.41 // +1.5 dB, BS.1770-4 table 3
	relativeGate    = -10
	rangeGate       = -20
	rangeLow        = 0.10
	rangeHigh       = 0.95
	energyOfAbsGate = 1.1724653045822981e-07 // 10^((-70+0.691)/10)
)

// Meter is an EBU R 128 meter. Not safe for concurrent use.
type Meter struct {
	rate     float64
	channels int
	weight   []float64
	filters  []kFilter
	peaks    []truePeak

	n, steps int64 // sample frames seen, whole steps seen
	step     float64
	ring     [shortTermSteps]float64
	mSum     []float64 // energies of gating blocks, mean square
	sSum     []float64 // short-term mean squares, every 100 ms
	maxM     float64
	maxS     float64
	nowM     float64
	nowS     float64
}

// NewMeter returns a meter for the given rate and number of channels: 1, 2, 5
// (left right centre surrounds) or 6 (5.1, as media.Block has it).
func NewMeter(rate media.SampleRate, channels int) *Meter {
	m := &Meter{rate: float64(rate), channels: channels}
	switch channels {
	case 1, 2:
		m.weight = []float64{1, 1}[:channels]
	case 5:
		m.weight = []float64{1, 1, 1, surroundWeight, surroundWeight}
	case 6:
		m.weight = []float64{1, 1, 1, 0, surroundWeight, surroundWeight}
	default:
		panic(fmt.Sprintf("mix: meter of %d channels, want 1, 2, 5 or 6", channels))
	}
	m.peaks = make([]truePeak, channels)
	for range channels {
		m.filters = append(m.filters, newKFilter(m.rate))
	}
	return m
}

// Write takes the next sample frames, one slice per channel.
func (m *Meter) Write(channels [][]float32) {
	if len(channels) != m.channels {
		panic(fmt.Sprintf("mix: meter of %d channels given %d", m.channels, len(channels)))
	}
	for c := range channels {
		m.peaks[c].write(channels[c])
	}
	for at, n := 0, len(channels[0]); at < n; {
		end := int64(math.Round(float64(m.steps+1) * m.rate / stepsPerSecond))
		take := min(n-at, int(end-m.n))
		for c, w := range m.weight {
			if w != 0 {
				m.step += w * m.filters[c].energy(channels[c][at:at+take])
			}
		}
		at += take
		m.n += int64(take)
		if m.n == end {
			m.closeStep()
		}
	}
}

func (m *Meter) closeStep() {
	m.ring[m.steps%shortTermSteps] = m.step
	m.step = 0
	m.steps++
	m.nowM = m.last(momentarySteps)
	m.nowS = m.last(shortTermSteps)
	m.maxM, m.maxS = max(m.maxM, m.nowM), max(m.maxS, m.nowS)
	if m.steps%gateSteps != 0 {
		return
	}
	if m.steps >= momentarySteps {
		m.mSum = append(m.mSum, m.nowM)
	}
	if m.steps >= shortTermSteps {
		m.sSum = append(m.sSum, m.nowS)
	}
}

// last is the mean square of the last n steps; what lies before the start is
// silence. It is summed anew each time, so that no rounding builds up.
func (m *Meter) last(n int64) float64 {
	sum := 0.0
	for i := int64(1); i <= min(n, m.steps); i++ {
		sum += m.ring[(m.steps-i)%shortTermSteps]
	}
	return sum / (m.rate * float64(n) / stepsPerSecond)
}

func lufsOf(meanSquare float64) LUFS {
	return LUFS(loudnessOffset + 10*math.Log10(meanSquare))
}

// Momentary returns the loudness of the last 0.4 s.
func (m *Meter) Momentary() LUFS { return lufsOf(m.nowM) }

// ShortTerm returns the loudness of the last 3 s.
func (m *Meter) ShortTerm() LUFS { return lufsOf(m.nowS) }

// MaxMomentary returns the largest momentary loudness so far.
func (m *Meter) MaxMomentary() LUFS { return lufsOf(m.maxM) }

// MaxShortTerm returns the largest short-term loudness so far.
func (m *Meter) MaxShortTerm() LUFS { return lufsOf(m.maxS) }

// Integrated returns the gated loudness of all so far, -Inf when nothing
// passes the gate at -70 LUFS. Of less than 0.4 s, for which the Recommendation has
// no block and so no loudness, it is that of all there is, without gates.
func (m *Meter) Integrated() LUFS {
	if m.steps < momentarySteps {
		return lufsOf(m.last(max(1, m.steps)))
	}
	return lufsOf(gatedMean(m.mSum))
}

// gatedMean is the mean square of BS.1770-4 over blocks of mean squares.
func gatedMean(blocks []float64) float64 {
	mean := gateMean(blocks, energyOfAbsGate)
	return gateMean(blocks, max(energyOfAbsGate, mean*math.Pow(10, relativeGate/10.)))
}

// gateMean returns the mean of the blocks above the gate; 0 if none is.
func gateMean(blocks []float64, gate float64) float64 {
	sum, n := 0.0, 0
	for _, b := range blocks {
		if b > gate {
			sum += b
			n++
		}
	}
	if n == 0 {
		return 0
	}
	return sum / float64(n)
}

// Range returns the loudness range in LU (EBU Tech 3342), 0 for less than 3 s.
func (m *Meter) Range() float64 {
	mean := gateMean(m.sSum, energyOfAbsGate)
	gate := max(energyOfAbsGate, mean*math.Pow(10, rangeGate/10.))
	var s []float64
	for _, b := range m.sSum {
		if b > gate {
			s = append(s, b)
		}
	}
	if len(s) == 0 {
		return 0
	}
	slices.Sort(s)
	at := func(share float64) float64 { return s[int(math.Round(share*float64(len(s)-1)))] }
	return 10 * math.Log10(at(rangeHigh)/at(rangeLow))
}

// TruePeak returns the largest true peak of any channel so far, -Inf for silence.
func (m *Meter) TruePeak() DBTP {
	p := float32(0)
	for i := range m.peaks {
		p = max(p, m.peaks[i].max)
	}
	return DBTP(DBOf(float64(p)))
}
