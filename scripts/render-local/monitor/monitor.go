package monitor

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/choirless/render/media"
	"github.com/choirless/render/mix"
)

// depth is how many blocks of mix.BlockSize (85 ms) wait for the sound card: what
// a change of gain or pan takes to be heard, at most.
const depth = 3

// Level is how a voice is heard now.
type Level struct {
	Gain float64 // linear, balance included
	Pan  float64 // -1..1 under the voice's law
	Mute bool
	Solo bool // when any voice is solo, only those are heard
}

// Monitor plays a song's voices. Safe for concurrent use.
type Monitor struct {
	mu      sync.Mutex
	wake    *sync.Cond
	done    bool
	voices  []mix.Voice // at gain 1 in the middle; levels say the rest
	samples int64
	master  mix.MasterOptions
	levels  []Level
	peaks   []float32 // of each voice, as heard, since Peaks was called
	gainDB  float64   // of the whole
	speed   float64
	loop    mix.Span // empty: none
	playing bool
	held    bool // what is made waits for its picture
	filling bool // blocks are gathered before the first one sounds
	turn    int  // counts what makes the blocks that wait worthless
	pos     int64
	queue   []block
	frac    float64 // of a sample, into the first block, when speed is not 1
	ended   bool    // the generator has reached the end of the song
	clock   clock
	starved int   // sample frames that were not there in time
	err     error // of the generator
	tap     func(dac time.Time, song int64, stereo [][]float32)
}

// block is sound from song sample at on.
type block struct {
	at     int64
	stereo [2][]float32
}

// New returns a monitor over the voices of a song; levels are taken from the
// voices' own gain and pan. It stands at song time 0 and does not play yet.
func New(voices []mix.Voice, samples int64, o mix.MasterOptions) *Monitor {
	m := &Monitor{samples: samples, master: o, speed: 1}
	m.wake = sync.NewCond(&m.mu)
	m.levels = make([]Level, len(voices))
	m.setVoices(voices)
	return m
}

func (m *Monitor) setVoices(voices []mix.Voice) {
	m.voices = make([]mix.Voice, len(voices))
	m.peaks = make([]float32, len(voices))
	for i, v := range voices {
		m.levels[i].Gain, m.levels[i].Pan = v.Gain, v.Pan
		v.Gain, v.Pan = 1, 0
		m.voices[i] = v
	}
	m.restart(m.pos)
}

// SetVoices replaces the voices by ones that differ in offset, gain or pan.
// Blocks that wait are dropped when an offset has changed.
func (m *Monitor) SetVoices(voices []mix.Voice) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(voices) != len(m.voices) {
		m.levels = make([]Level, len(voices))
		m.setVoices(voices)
		return
	}
	for i, v := range voices {
		if v.Offset != m.voices[i].Offset || v.DriftPPM != m.voices[i].DriftPPM {
			m.setVoices(voices)
			return
		}
		m.levels[i].Gain, m.levels[i].Pan = v.Gain, v.Pan
	}
}

// Levels returns a copy of how the voices are heard.
func (m *Monitor) Levels() []Level {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]Level(nil), m.levels...)
}

// SetMute and SetSolo say who is heard.
func (m *Monitor) SetMute(voice int, on bool) { m.change(func() { m.levels[voice].Mute = on }) }

// SetSolo makes a voice one of those that alone are heard.
func (m *Monitor) SetSolo(voice int, on bool) { m.change(func() { m.levels[voice].Solo = on }) }

// SetGain sets the gain of the whole in dB.
func (m *Monitor) SetGain(db float64) { m.change(func() { m.gainDB = db }) }

// Peaks returns the largest sample of each voice since the last call, linear.
func (m *Monitor) Peaks() []float32 {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := append([]float32(nil), m.peaks...)
	clear(m.peaks)
	return p
}

// Play goes on, or stops where it is. At the end it goes on from the beginning.
func (m *Monitor) Play(on bool) {
	m.change(func() {
		if on && m.pos >= m.samples {
			m.restart(m.loop.From)
		}
		if !on && m.playing {
			// Back to what is being heard: what was handed to the card and not
			// heard yet is played again later.
			if heard := int64(m.clock.at(time.Now())); heard < m.pos {
				m.restart(max(0, heard))
			}
		}
		m.playing = on
	})
}

// Hold keeps a song that plays standing still until it is let go: for its picture.
func (m *Monitor) Hold(on bool) { m.change(func() { m.held = on }) }

// GoTo goes to a song sample.
func (m *Monitor) GoTo(sample int64) {
	m.change(func() { m.restart(min(max(sample, 0), m.samples)) })
}

// SetSpeed plays faster or slower, 0.25 to 4, and higher or lower with it.
func (m *Monitor) SetSpeed(speed float64) {
	m.change(func() { m.speed = min(max(speed, 0.25), 4) })
}

// SetLoop repeats a range of song samples; an empty one stops repeating.
func (m *Monitor) SetLoop(span mix.Span) {
	m.change(func() {
		m.loop = span
		at := m.pos
		if span.To > span.From && (at < span.From || at >= span.To) {
			at = span.From
		}
		m.restart(at)
	})
}

// Tap has f see every block on its way to the card, with the time at which its
// first sample is heard and where that is in the song, -1 for silence. f must be
// quick.
func (m *Monitor) Tap(f func(dac time.Time, song int64, stereo [][]float32)) {
	m.change(func() { m.tap = f })
}

func (m *Monitor) change(f func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f()
	m.wake.Broadcast()
}

// restart drops what waits and makes sound from a song sample on. The lock must
// be held.
func (m *Monitor) restart(at int64) {
	m.turn++
	m.pos, m.queue, m.frac, m.ended, m.filling = at, nil, 0, false, true
	m.clock.stop(at)
	m.wake.Broadcast()
}

// State is what a display wants to know.
type State struct {
	Sample  float64 // song sample that is being heard
	Playing bool
	Speed   float64
	Loop    mix.Span
	Starved int // sample frames that came too late
	Err     error
}

// State returns where the song is at a time.
func (m *Monitor) State(at time.Time) State {
	m.mu.Lock()
	defer m.mu.Unlock()
	return State{
		Sample: min(m.clock.at(at), float64(m.samples)), Playing: m.playing, Speed: m.speed, Loop: m.loop,
		Starved: m.starved, Err: m.err,
	}
}

// errStale ends a run of the mixer whose blocks nobody wants any more.
var errStale = errors.New("monitor: stale")

// Run mixes until ctx ends, which is no error.
func (m *Monitor) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { m.change(func() { m.done = true }) })
	defer stop()
	for made := 0; ; {
		m.mu.Lock()
		for !m.done && m.turn == made {
			m.wake.Wait()
		}
		if m.done {
			m.mu.Unlock()
			return nil
		}
		made = m.turn
		voices, from, loop := m.voices, m.pos, m.loop
		m.mu.Unlock()
		err := m.generate(ctx, made, voices, from, loop)
		if ctx.Err() != nil {
			return nil
		}
		m.change(func() {
			m.err = nil
			if !errors.Is(err, errStale) {
				m.err = err
				m.ended = m.turn == made
			}
		})
	}
}

// generate mixes from a song sample to the end, or round a loop for ever.
func (m *Monitor) generate(ctx context.Context, turn int, voices []mix.Voice, from int64, loop mix.Span) error {
	reverb, err := mix.NewReverb(m.master)
	if err != nil {
		return err
	}
	b := &builder{m: m, turn: turn, voices: voices, reverb: reverb}
	for {
		b.skip, b.until = from, m.samples
		if loop.To > loop.From {
			b.until = min(loop.To, m.samples)
		}
		// Blocks end on whole multiples, as the reverb wants them.
		b.at = from / mix.BlockSize * mix.BlockSize
		end := min((b.until+mix.BlockSize-1)/mix.BlockSize*mix.BlockSize, m.samples)
		if len(voices) == 0 {
			err = b.silence(end)
		} else {
			err = mix.StemsRange(ctx, voices, mix.Span{From: b.at, To: end}, m.samples, b.add)
		}
		if err != nil || loop.To <= loop.From {
			return err
		}
		from = loop.From
	}
}

// builder puts the voices of a block together.
type builder struct {
	m           *Monitor
	turn        int
	voices      []mix.Voice
	reverb      *mix.Reverb
	at          int64 // of the block
	skip, until int64 // only what lies between is handed on
	dry, send   [2][]float32
	levels      []Level
	solo        bool
	gain        float32
}

func (b *builder) silence(end int64) error {
	for b.at < end {
		n := int(min(mix.BlockSize, end-b.at))
		b.begin(n)
		if err := b.finish(n); err != nil {
			return err
		}
	}
	return nil
}

func (b *builder) begin(n int) {
	for c := range b.dry {
		b.dry[c], b.send[c] = make([]float32, n), make([]float32, n)
	}
	b.m.mu.Lock()
	defer b.m.mu.Unlock()
	b.levels = append(b.levels[:0], b.m.levels...)
	b.gain = float32(mix.GainOf(b.m.gainDB))
	b.solo = false
	for _, l := range b.levels {
		b.solo = b.solo || l.Solo
	}
}

// add takes one voice of the block; the last one completes it.
func (b *builder) add(i int, stereo [][]float32) error {
	n := len(stereo[0])
	if i == 0 {
		b.begin(n)
	}
	v := b.voices[i]
	if l := b.levels[i]; !l.Mute && (l.Solo || !b.solo) && l.Gain > 0 {
		var peak float32
		left, right := v.Law.Gains(l.Pan)
		cl, cr := v.Law.Gains(0)
		factors := [2]float32{float32(l.Gain * left / cl), float32(l.Gain * right / cr)}
		send := float32(v.Send)
		for c, g := range factors {
			for k, x := range stereo[c] {
				x *= g
				peak = max(peak, x, -x)
				b.dry[c][k] += x
				b.send[c][k] += x * send
			}
		}
		b.m.mu.Lock()
		if i < len(b.m.peaks) {
			b.m.peaks[i] = max(b.m.peaks[i], peak*b.gain)
		}
		b.m.mu.Unlock()
	}
	if i == len(b.voices)-1 {
		return b.finish(n)
	}
	return nil
}

// finish hands the block on, as soon as there is room.
func (b *builder) finish(n int) error {
	b.reverb.Add(b.dry[:], b.send[:])
	for c := range b.dry {
		for k, x := range b.dry[c] {
			b.dry[c][k] = ceiling(x * b.gain)
		}
	}
	out := block{at: b.at}
	lo, hi := min(max(b.skip-b.at, 0), int64(n)), min(max(b.until-b.at, 0), int64(n))
	for c := range out.stereo {
		out.stereo[c] = b.dry[c][lo:hi]
	}
	out.at += lo
	b.at += int64(n)
	if lo >= hi {
		return nil
	}
	m := b.m
	m.mu.Lock()
	defer m.mu.Unlock()
	for !m.done && m.turn == b.turn && len(m.queue) >= depth {
		m.wake.Wait()
	}
	if m.done || m.turn != b.turn {
		return errStale
	}
	m.queue = append(m.queue, out)
	m.wake.Broadcast()
	return nil
}

// ceiling keeps a sample under full scale: straight to -3 dB, bent above. The
// product's limiter looks ahead over the whole song, which is still being changed
// here; below the bend the two are the same.
func ceiling(x float32) float32 {
	const knee = 0.7079
	a := math.Abs(float64(x))
	if a <= knee {
		return x
	}
	y := knee + (0.98-knee)*math.Tanh((a-knee)/(0.98-knee))
	return float32(math.Copysign(y, float64(x)))
}

// Pull fills a sound card's buffer, whose first sample is heard at dac. It never
// waits.
func (m *Monitor) Pull(out [][]float32, dac time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := 0
	song := int64(-1)
	m.filling = m.filling && len(m.queue) < depth && !m.ended
	waits := m.held || m.filling
	if m.playing && len(m.queue) > 0 && !waits {
		song = m.queue[0].at + int64(m.frac)
		at := float64(m.queue[0].at) + m.frac
		n = m.fill(out)
		m.clock.play(at, dac, m.speed, n)
	}
	for c := range out {
		clear(out[c][n:])
	}
	if m.playing && n < len(out[0]) && !waits {
		if m.ended && len(m.queue) == 0 {
			m.playing, m.pos = false, m.samples
			m.clock.stop(m.samples)
		} else {
			m.starved += len(out[0]) - n
			if n == 0 {
				m.clock.stop(m.pos)
			}
		}
	}
	if m.tap != nil {
		m.tap(dac, song, out)
	}
	m.wake.Broadcast()
}

// fill copies what there is and returns how many sample frames.
func (m *Monitor) fill(out [][]float32) int {
	n := 0
	for n < len(out[0]) && len(m.queue) > 0 {
		b := &m.queue[0]
		size := len(b.stereo[0])
		if m.speed == 1 && m.frac == math.Trunc(m.frac) {
			from := int(m.frac)
			k := min(len(out[0])-n, size-from)
			for c := range out {
				copy(out[c][n:n+k], b.stereo[c][from:])
			}
			n, m.frac = n+k, m.frac+float64(k)
		} else {
			i := int(m.frac)
			j, w := min(i+1, size-1), float32(m.frac-float64(i))
			for c := range out {
				out[c][n] = b.stereo[c][i]*(1-w) + b.stereo[c][j]*w
			}
			n, m.frac = n+1, m.frac+m.speed
		}
		m.pos = b.at + int64(m.frac)
		if int(m.frac) >= size {
			m.frac -= float64(size)
			m.queue = m.queue[1:]
			if len(m.queue) > 0 {
				m.pos = m.queue[0].at + int64(m.frac)
			}
		}
	}
	return n
}

// Duration returns the length of the song.
func (m *Monitor) Duration() time.Duration { return media.MixRate.Duration(m.samples) }

func (s State) String() string {
	return fmt.Sprintf("%.2f s, playing %v", s.Sample/float64(media.MixRate), s.Playing)
}
