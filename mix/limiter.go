package mix

import "math"

// The limiter works on a table made while the song was measured: for every hop
// of 1 ms the true peak and the K-weighted energy. From it the whole gain curve
// is known before the first sample is turned down, so the look-ahead has no
// bound, nothing overshoots, and the loudness that is left behind the limiter
// can be computed without another pass over the sound.
//
// The curve, in dB of reduction at the borders of hops:
//
//  1. need: what the hops on either side exceed the ceiling by;
//  2. hold: the largest need within ±5 ms;
//  3. slopes: no steeper than 0.5 dB per ms, down and up again. A clap or a
//     click costs a few milliseconds and no more;
//  4. body: what is over for longer than 30 ms, as a mean over the last 80 ms,
//     comes back at 0.04 dB per ms only (6 dB in 150 ms: slower than a beat, faster
//     than a breath), so that a loud chord is not pumped by its own waveform.
//     The larger of 3 and 4 counts;
//  5. a mean over ±5 ms, which rounds the corners. It stays above the need,
//     since every value within reach of it was held.
//
// Inside a hop the factor runs linearly between its borders, so that it is
// never above the larger of the two. Both channels are turned down alike: the
// image does not move.

const (
	hopSamples   = 48  // 1 ms at media.MixRate
	limitHold    = 5   // hops
	limitSlope   = 0.5 // dB per hop
	limitBody    = 40  // hops, half of the stretch
	limitLasting = 15  // hops, half of what a single peak may last
	limitRelease = 0.04
	// limitMargin is left below the ceiling: the interpolated peak of a signal
	// under a moving gain differs from the moving gain of its peak.
	limitMargin = 0.05
)

// hopTable describes a song for the limiter; 8 bytes per ms.
type hopTable struct {
	peakDB []float32 // true peak of the hop, dBTP
	energy []float32 // K-weighted sum of squares
	whole  int       // hops that lie inside the song; the rest is ringing
}

// hopMeter fills a hopTable. A peak that the limiter will not touch need not be
// known between samples, so hops below a floor are taken by their samples. The
// floor follows from the loudness so far: it is where the limiter would begin if
// the song went on like this. Should the limiter begin lower in the end, the
// song must be measured again with a fixed floor; see lowEnough.
type hopMeter struct {
	table   hopTable
	filters [2]kFilter
	buf     [2][]float32 // tpHist samples of history, then the open hop

	aim     float64 // ceiling less target, dB: floor above the loudness so far
	floor   float32
	fixed   bool
	highest float32 // floor ever used
	total   float64 // energy so far
}

// measureHead is how much further down than needed the floor lies, dB.
const measureHead = 3

// newHopMeter measures for a target and a ceiling.
func newHopMeter(samples int64, target LUFS, ceiling DBTP) *hopMeter {
	m := &hopMeter{aim: float64(ceiling) - float64(target) - measureHead}
	for c := range m.buf {
		m.filters[c] = newKFilter(48000)
		m.buf[c] = make([]float32, tpHist, tpHist+hopSamples)
	}
	n := samples/hopSamples + 1
	m.table.peakDB, m.table.energy = make([]float32, 0, n), make([]float32, 0, n)
	return m
}

// lowEnough reports whether the peaks are exact for a limiter with that gain and
// ceiling in dB. If not, the meter to measure again with is returned.
func (m *hopMeter) lowEnough(samples int64, gainDB, ceilingDB float64) (again *hopMeter, ok bool) {
	limit := float32(GainOf(ceilingDB - limitMargin - gainDB))
	if m.highest <= limit {
		return nil, true
	}
	again = newHopMeter(samples, 0, 0)
	again.fixed, again.floor = true, limit*float32(GainOf(-measureHead))
	return again, false
}

func (m *hopMeter) write(stereo [][]float32) {
	for at, n := 0, len(stereo[0]); at < n; {
		take := min(n-at, hopSamples+tpHist-len(m.buf[0]))
		for c := range m.buf {
			m.buf[c] = append(m.buf[c], stereo[c][at:at+take]...)
		}
		at += take
		if len(m.buf[0]) == hopSamples+tpHist {
			m.closeHop()
		}
	}
}

func (m *hopMeter) closeHop() {
	var peak float32
	var energy float64
	m.highest = max(m.highest, m.floor)
	for c := range m.buf {
		peak = max(peak, peakOf(m.buf[c], max(m.floor, peak)))
		energy += m.filters[c].energy(m.buf[c][tpHist:])
		m.buf[c] = append(m.buf[c][:0], m.buf[c][len(m.buf[c])-tpHist:]...)
	}
	m.table.peakDB = append(m.table.peakDB, float32(dbFloor(float64(peak), -200)))
	m.table.energy = append(m.table.energy, float32(energy))
	m.total += energy
	if n := len(m.table.energy); !m.fixed && n%100 == 0 {
		mean := m.total / float64(n*hopSamples)
		m.floor = float32(GainOf(max(float64(lufsOf(mean)), -maxGainDB-10) + m.aim))
	}
}

// finish closes the last, short hop and lets the interpolator ring out.
func (m *hopMeter) finish() hopTable {
	m.table.whole = len(m.table.energy)
	quiet := make([]float32, 2*hopSamples)
	m.write([][]float32{quiet, quiet})
	return m.table
}

// reduction returns the limiter's curve for a gain and a ceiling in dB: one
// value in dB, 0 or more, per border of a hop (one more than there are hops).
func (t hopTable) reduction(gainDB, ceilingDB float64) []float32 {
	n := len(t.peakDB)
	// The curve is made longer by what the last mean reaches over the ends.
	over := make([]float32, n+1+2*limitHold)
	limit := float32(ceilingDB - limitMargin - gainDB)
	any := false
	for h, p := range t.peakDB {
		if d := p - limit; d > 0 {
			any = true
			// A peak may lie a few samples before it is found, so in the hop
			// before: three borders are concerned.
			for i := max(0, h-1); i <= h+1; i++ {
				over[limitHold+i] = max(over[limitHold+i], d)
			}
		}
	}
	if !any {
		return over[:n+1]
	}
	held := slidingMax(over, limitHold)
	// What is gone again within 30 ms is no body: the smallest need within
	// ±15 ms. Peaks of a waveform are closer together than the hold.
	lasting := make([]float32, len(held))
	for i, v := range held {
		lasting[i] = -v
	}
	for i, v := range slidingMax(lasting, limitLasting) {
		lasting[i] = -v
	}
	body := slidingMean(lasting, limitBody)
	copy(body[min(limitBody, len(body)):], body) // looking back only: nothing ducks ahead
	clear(body[:min(limitBody, len(body))])
	for i := 1; i < len(held); i++ {
		body[i] = max(body[i], body[i-1]-limitRelease)
		held[i] = max(held[i], held[i-1]-limitSlope, body[i])
	}
	for i := len(held) - 2; i >= 0; i-- {
		held[i] = max(held[i], held[i+1]-limitSlope)
	}
	return slidingMean(held, limitHold)[limitHold:][:n+1]
}

// slidingMax returns the largest value within reach of each.
func slidingMax(x []float32, reach int) []float32 {
	out := make([]float32, len(x))
	var queue []int // indices of falling values
	for i := 0; i < len(x)+reach; i++ {
		if i < len(x) {
			for len(queue) > 0 && x[queue[len(queue)-1]] <= x[i] {
				queue = queue[:len(queue)-1]
			}
			queue = append(queue, i)
		}
		at := i - reach
		if at < 0 {
			continue
		}
		for queue[0] < at-reach {
			queue = queue[1:]
		}
		out[at] = x[queue[0]]
	}
	return out
}

// slidingMean returns the mean within reach of each; beyond the ends there is
// nothing. Less than a millionth is rounding of the running sum, and 0.
func slidingMean(x []float32, reach int) []float32 {
	out := make([]float32, len(x))
	sum := 0.0
	for i := range min(reach, len(x)) {
		sum += float64(x[i])
	}
	for i := range x {
		if i+reach < len(x) {
			sum += float64(x[i+reach])
		}
		if i-reach-1 >= 0 {
			sum -= float64(x[i-reach-1])
		}
		if m := float32(sum / float64(2*reach+1)); m > 1e-6 {
			out[i] = m
		}
	}
	return out
}

// loudness returns the integrated loudness of the song behind a gain and a
// reduction: the energy of each hop is scaled by the gain in its middle. A song too
// short for a gating block is one block, without gates; see Meter.Integrated.
func (t hopTable) loudness(gainDB float64, reduction []float32) LUFS {
	const perStep, perBlock = 100, 4 // hops in 100 ms, steps in 400 ms
	g := math.Pow(10, gainDB/10)
	energy := func(from, to int) (sum float64) {
		for h := from; h < to; h++ {
			e := float64(t.energy[h]) * g
			if r := float64(reduction[h] + reduction[h+1]); r > 0 {
				e *= math.Pow(10, -r/20)
			}
			sum += e
		}
		return sum
	}
	if t.whole < perStep*perBlock {
		return lufsOf(energy(0, t.whole) / float64(max(1, t.whole)*hopSamples))
	}
	var steps, blocks []float64
	for at := 0; at+perStep <= t.whole; at += perStep {
		steps = append(steps, energy(at, at+perStep))
		if n := len(steps); n >= perBlock {
			mean := (steps[n-1] + steps[n-2] + steps[n-3] + steps[n-4]) / (perStep * perBlock * hopSamples)
			blocks = append(blocks, mean)
		}
	}
	return lufsOf(gatedMean(blocks))
}

// minSlope is the least a decibel of gain must give behind the limiter, in LU.
const minSlope = 0.1

// solve finds the gain in dB that brings the song to target behind the limiter, or
// the most that is of use, and the reduction that goes with it.
func (t hopTable) solve(target LUFS, ceiling DBTP, input LUFS) (gainDB float64, reduction []float32) {
	plain := float64(target - input)
	maxGain := min(maxGainDB, plain+maxPushDB)
	gainDB = min(maxGain, plain)
	// What the limiter takes away is added to the gain. More gain is never
	// quieter, but where the limiter is busy a decibel of it gives less than a
	// decibel: the slope of the last step (a secant) says how much.
	slope, lastGain, lastLoudness := 1.0, math.Inf(-1), 0.0
	for range 16 {
		reduction = t.reduction(gainDB, float64(ceiling))
		loudness := float64(t.loudness(gainDB, reduction))
		miss := float64(target) - loudness
		if d := gainDB - lastGain; !math.IsInf(d, 0) && d != 0 {
			slope = (loudness - lastLoudness) / d
			if d > 0 && slope < minSlope {
				gainDB = lastGain // flat already: more gain is only more limiting
				break
			}
			slope = max(minSlope, min(1, slope))
		}
		next := min(maxGain, gainDB+miss/slope)
		if math.Abs(miss) < 0.01 || next == gainDB {
			break
		}
		lastGain, lastLoudness, gainDB = gainDB, loudness, next
	}
	return gainDB, t.reduction(gainDB, float64(ceiling))
}

// applyGain multiplies stereo, which begins at sample frame from of the song,
// with the gain less the reduction.
func applyGain(stereo [][]float32, from int64, gainDB float64, reduction []float32) {
	factor := func(border int64) float32 {
		return float32(GainOf(gainDB - float64(reduction[min(border, int64(len(reduction)-1))])))
	}
	flat := float32(GainOf(gainDB))
	n := len(stereo[0])
	for at := 0; at < n; {
		song := from + int64(at)
		hop := song / hopSamples
		into := int(song % hopSamples)
		take := min(n-at, hopSamples-into)
		a, b := flat, flat
		if int(hop)+1 < len(reduction) && (reduction[hop] != 0 || reduction[hop+1] != 0) {
			a, b = factor(hop), factor(hop+1)
		}
		for c := range stereo {
			x := stereo[c][at : at+take]
			if a == b {
				for i := range x {
					x[i] *= a
				}
				continue
			}
			for i := range x {
				x[i] *= a + (b-a)*float32(into+i)/hopSamples
			}
		}
		at += take
	}
}
