package monitor

import (
	"context"
	"io"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/choirless/render/media"
	"github.com/choirless/render/mix"
)

// tone is a part in memory.
type tone struct {
	samples []float32
	at      int
}

func (s *tone) Read() (media.Block, error) {
	if s.at >= len(s.samples) {
		return media.Block{}, io.EOF
	}
	to := min(len(s.samples), s.at+1111)
	b := media.Block{Start: int64(s.at), Rate: media.MixRate, Channels: [][]float32{s.samples[s.at:to]}}
	s.at = to
	return b, nil
}

func (s *tone) Close() error { return nil }

func (s *tone) SeekTo(n int64) error { s.at = int(min(n, int64(len(s.samples)))); return nil }

const songSamples = 60000

func voices(offsetMS float64) []mix.Voice {
	var out []mix.Voice
	for i, f := range []float64{220, 330, 440} {
		x := make([]float32, songSamples+9000)
		for k := range x {
			x[k] = 0.1 * float32(math.Sin(2*math.Pi*f*float64(k)/48000))
		}
		out = append(out, mix.Voice{
			Name: "abc"[i : i+1], Gain: 0.5 + 0.3*float64(i), Pan: -0.5 + 0.5*float64(i), Send: 1, Law: mix.PanLaw(i % 2),
			Offset: media.OffsetMS(offsetMS * float64(i)),
			Open:   func() (mix.Source, error) { return &tone{samples: x}, nil },
		})
	}
	return out
}

// running starts a monitor that is stopped with the test.
func running(t *testing.T, v []mix.Voice, o mix.MasterOptions) *Monitor {
	t.Helper()
	m := New(v, songSamples, o)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return m
}

// pull takes what is played, as a card would that always waits for the mixer,
// until the song stops or n sample frames are there.
func pull(t *testing.T, m *Monitor, n int) (out [2][]float32) {
	t.Helper()
	now := time.Now()
	for len(out[0]) < n {
		m.mu.Lock()
		for m.playing && (len(m.queue) < 2 || m.filling && len(m.queue) < depth) && !m.ended {
			m.wake.Wait()
		}
		playing := m.playing
		m.mu.Unlock()
		if !playing {
			break
		}
		buf := [][]float32{make([]float32, 480), make([]float32, 480)}
		now = now.Add(10 * time.Millisecond)
		m.Pull(buf, now)
		for c := range out {
			out[c] = append(out[c], buf[c]...)
		}
	}
	return out
}

// product is what the product makes of voices: their sum, the room, a gain.
func product(t *testing.T, v []mix.Voice, o mix.MasterOptions, db float64) (out [2][]float32) {
	t.Helper()
	r, err := mix.NewReverb(o)
	if err != nil {
		t.Fatal(err)
	}
	err = mix.Sum(t.Context(), v, songSamples, func(dry, send [][]float32) error {
		sum := [][]float32{slices.Clone(dry[0]), slices.Clone(dry[1])}
		r.Add(sum, dry)
		for c := range out {
			for _, x := range sum[c] {
				out[c] = append(out[c], x*float32(mix.GainOf(db)))
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func same(t *testing.T, what string, got, want [2][]float32, from, to int) {
	t.Helper()
	for c := range got {
		for i := from; i < to; i++ {
			if d := math.Abs(float64(got[c][i-from] - want[c][i])); d > 2e-6 {
				t.Fatalf("%s: channel %d, sample %d: %g, want %g", what, c, i, got[c][i-from], want[c][i])
			}
		}
	}
}

// TestPlaysTheProductsMix: from the beginning, from the middle, with a voice moved.
func TestPlaysTheProductsMix(t *testing.T) {
	o := mix.MasterOptions{Room: "studio", Wet: 0.2}
	m := running(t, voices(10), o)
	m.SetGain(-3)
	m.Play(true)
	want := product(t, voices(10), o, -3)
	got := pull(t, m, 1<<20)
	same(t, "from the beginning", got, want, 0, songSamples)
	if s := m.State(time.Now()); s.Playing || s.Sample != songSamples {
		t.Errorf("at the end: %+v", s)
	}
	dry := mix.MasterOptions{}
	m = running(t, voices(10), dry)
	m.GoTo(20000)
	m.Play(true)
	want = product(t, voices(10), dry, 0)
	same(t, "from the middle", pull(t, m, 20000), want, 20000, 40000)
	m.SetVoices(voices(-40))
	m.GoTo(30000)
	same(t, "moved", pull(t, m, 20000), product(t, voices(-40), dry, 0), 30000, 50000)
	if s := m.State(time.Now()); s.Starved != 0 {
		t.Errorf("%d sample frames came late", s.Starved)
	}
}

// TestWhoIsHeard: mute, solo, gain and pan.
func TestWhoIsHeard(t *testing.T) {
	dry := mix.MasterOptions{}
	for name, c := range map[string]struct {
		set  func(*Monitor)
		want func(v []mix.Voice)
	}{
		"mute": {func(m *Monitor) { m.SetMute(1, true) }, func(v []mix.Voice) { v[1].Gain = 0 }},
		"solo": {func(m *Monitor) { m.SetSolo(2, true) }, func(v []mix.Voice) { v[0].Gain, v[1].Gain = 0, 0 }},
		"muted solo": {
			func(m *Monitor) { m.SetSolo(2, true); m.SetSolo(1, true); m.SetMute(2, true) },
			func(v []mix.Voice) { v[0].Gain, v[2].Gain = 0, 0 },
		},
		"balance": {
			func(m *Monitor) { v := voices(0); v[0].Gain, v[1].Pan = 0.9, 1; m.SetVoices(v) },
			func(v []mix.Voice) { v[0].Gain, v[1].Pan = 0.9, 1 },
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := running(t, voices(0), dry)
			c.set(m)
			m.GoTo(0) // what was mixed before does not count
			m.Play(true)
			v := voices(0)
			c.want(v)
			same(t, name, pull(t, m, 30000), product(t, v, dry, 0), 0, 30000)
		})
	}
}

// TestLoop: a range comes again and again, at its own borders.
func TestLoop(t *testing.T) {
	dry := mix.MasterOptions{}
	m := running(t, voices(0), dry)
	m.SetLoop(mix.Span{From: 5000, To: 15000})
	m.Play(true)
	want := product(t, voices(0), dry, 0)
	got := pull(t, m, 25000)
	cut := func(from, to int) [2][]float32 { return [2][]float32{got[0][from:to], got[1][from:to]} }
	same(t, "first round", cut(0, 10000), want, 5000, 15000)
	same(t, "second round", cut(10000, 20000), want, 5000, 15000)
	same(t, "third round", cut(20000, 25000), want, 5000, 10000)
}

// TestSpeed: at double speed every other sample is heard.
func TestSpeed(t *testing.T) {
	m := running(t, voices(0), mix.MasterOptions{})
	m.SetSpeed(2)
	m.Play(true)
	want := product(t, voices(0), mix.MasterOptions{}, 0)
	got := pull(t, m, 10000)
	for i := range 10000 {
		if d := math.Abs(float64(got[0][i] - want[0][2*i])); d > 2e-6 {
			t.Fatalf("sample %d: %g, want %g", i, got[0][i], want[0][2*i])
		}
	}
}

// TestClock: a sample is on when the card plays it, not when it is handed over.
func TestClock(t *testing.T) {
	var c clock
	c.stop(1000)
	now := time.Now()
	if got := c.at(now.Add(time.Hour)); got != 1000 {
		t.Errorf("standing at %g, want 1000", got)
	}
	c.play(1000, now.Add(20*time.Millisecond), 1, 480)
	c.play(1480, now.Add(30*time.Millisecond), 1, 480)
	for ms, want := range map[int]float64{20: 1000, 25: 1240, 30: 1480, 35: 1720, 40: 1960, 200: 1960 + hold} {
		if got := c.at(now.Add(time.Duration(ms) * time.Millisecond)); math.Abs(got-want) > 1 {
			t.Errorf("after %d ms at %g, want %g", ms, got, want)
		}
	}
	// A loop: the buffer before is heard until the next one's time has come.
	c.play(0, now.Add(40*time.Millisecond), 1, 480)
	if got := c.at(now.Add(35 * time.Millisecond)); math.Abs(got-1720) > 1 {
		t.Errorf("before the jump at %g, want 1720", got)
	}
	if got := c.at(now.Add(45 * time.Millisecond)); math.Abs(got-240) > 1 {
		t.Errorf("after the jump at %g, want 240", got)
	}
}

// TestWaitsForPicture: a song that is held stands still without a sample lost, and
// nothing sounds before there are blocks enough to go on without a gap.
func TestWaitsForPicture(t *testing.T) {
	o := mix.MasterOptions{}
	m := New(voices(10), songSamples, o) // nobody mixes yet
	m.Play(true)
	buf := [][]float32{make([]float32, 480), make([]float32, 480)}
	silent := func(when string) {
		t.Helper()
		m.Pull(buf, time.Now())
		for _, c := range buf {
			if slices.ContainsFunc(c, func(x float32) bool { return x != 0 }) {
				t.Errorf("%s: it sounds", when)
			}
		}
		if s := m.State(time.Now()); s.Sample != 0 || s.Starved != 0 || !s.Playing {
			t.Errorf("%s: %+v", when, s)
		}
	}
	silent("before anything is mixed")
	m = running(t, voices(10), o)
	m.Hold(true)
	m.Play(true)
	m.mu.Lock()
	for len(m.queue) < depth {
		m.wake.Wait()
	}
	m.mu.Unlock()
	silent("held")
	m.Hold(false)
	same(t, "let go", pull(t, m, 20000), product(t, voices(10), o, 0), 0, 20000)
}
