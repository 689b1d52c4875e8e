package chaos

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// schedule is what happens to one song, drawn from a seed unless it has a name.
type schedule struct {
	name                  string
	seed                  uint64
	twice, drop, late     bool // messages
	both                  bool // coordinators
	again                 int  // step after which a part is uploaded again, 0 for never
	trouble               trouble
	troubleAt, troubleFor time.Duration
	hits                  []hit
}

// hit is a fault and the step of the song that sets it off.
type hit struct {
	fault fault
	step  int
	after time.Duration
	seed  uint64
}

// draw draws a schedule.
func draw(seed uint64) schedule {
	r := rand.New(rand.NewPCG(seed, 0))
	chance := func(p float64) bool { return r.Float64() < p }
	s := schedule{name: fmt.Sprint("seed", seed), seed: seed, twice: chance(0.25), drop: chance(0.25), late: chance(0.25), both: chance(0.25)}
	if chance(0.2) {
		s.again = 1 + r.IntN(steps-2)
	}
	if chance(0.25) {
		s.trouble = []trouble{answer500, answer503, slow, cut, mixed}[r.IntN(5)]
		s.troubleAt = time.Duration(r.Float64() * float64(2*time.Second))
		s.troubleFor = time.Second + time.Duration(r.Float64()*float64(3*time.Second))
	}
	for range 1 + r.IntN(2) {
		s.hits = append(s.hits, hit{
			faults[r.IntN(len(faults))], r.IntN(steps - 1), time.Duration(r.Float64() * float64(150*time.Millisecond)), r.Uint64(),
		})
	}
	return s
}

func (s schedule) String() string {
	var all []string
	say := func(is bool, format string, args ...any) {
		if is {
			all = append(all, fmt.Sprintf(format, args...))
		}
	}
	say(s.twice, "every message twice")
	say(s.drop, "30 %% of the events lost")
	say(s.late, "messages overtake each other")
	say(s.both, "two coordinators")
	say(s.again > 0, "a part uploaded again after step %d", s.again)
	say(s.trouble != noTrouble, "S3 %s from %v for %v", s.trouble, s.troubleAt.Round(time.Millisecond), s.troubleFor.Round(time.Millisecond))
	for _, h := range s.hits {
		say(true, "%s after step %d", h.fault.name, h.step)
	}
	return strings.Join(all, "; ")
}

// run makes one song while the schedule's faults hit, and returns what they did.
func (b *bench) run(ctx context.Context, sc schedule) (said []string, _ *song, err error) {
	began := time.Now()
	var mu sync.Mutex
	var errs []error
	say := func(what string, err error) {
		mu.Lock()
		defer mu.Unlock()
		said = append(said, fmt.Sprintf("%5.1f s  %s", time.Since(began).Seconds(), what))
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", what, err))
		}
	}
	b.sqs.set(sc.twice, sc.late, sc.seed)
	b.events.set(sc.twice, sc.drop, sc.late, sc.seed)
	if sc.both {
		if err := b.up(ctx, "coordinator-2"); err != nil {
			return said, nil, err
		}
	}
	s, err := b.upload(ctx, sc.name)
	if err != nil {
		return said, s, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var going sync.WaitGroup
	if sc.again > 0 {
		// Known from here on, though it happens later: no final before it counts.
		s.expect(2, 4, "")
		going.Go(func() {
			b.step(ctx, s, sc.again)
			say("p2 uploaded again", b.uploadPart(ctx, s, 2, 4))
		})
	}
	if sc.trouble != noTrouble {
		going.Go(func() {
			sleep(ctx, sc.troubleAt)
			b.s3.set(sc.trouble, sc.seed)
			sleep(ctx, sc.troubleFor)
			b.s3.set(noTrouble, sc.seed)
			say(fmt.Sprintf("S3 %s is over", sc.trouble), nil)
		})
	}
	for _, h := range sc.hits {
		going.Go(func() {
			who := b.step(ctx, s, h.step)
			sleep(ctx, h.after)
			at := time.Now()
			what, err := h.fault.do(ctx, b, rand.New(rand.NewPCG(h.seed, 1)), who)
			say(fmt.Sprintf("%s after step %d: %s, back after %v", h.fault.name, h.step, what, time.Since(at).Round(time.Millisecond)), err)
		})
	}
	got, err := b.await(ctx, s)
	if err != nil {
		cancel() // what waits for a step of this song
	}
	going.Wait()
	err = errors.Join(append(errs, err)...)
	say("final", nil)
	if err == nil {
		err = b.retry(ctx, func() error { return b.heal(ctx) })
	}
	if err == nil {
		err = b.once(ctx, s)
	}
	if err == nil {
		err = b.compare(ctx, s, got)
	}
	return said, s, err
}

// compare compares a final with that of an undisturbed song of the same history.
func (b *bench) compare(ctx context.Context, s *song, got final) error {
	all, err := b.histories(ctx, s)
	if err != nil {
		return err
	}
	var wants []string
	for _, h := range all {
		if len(h) == 0 || h[len(h)-1] != s.takes {
			return fmt.Errorf("song %s: aligned with %v, want %v in the end", s.id.Song, h, s.takes)
		}
		want, err := b.calmOf(ctx, h)
		if err != nil || got == want {
			return err
		}
		wants = append(wants, fmt.Sprintf("%v: %+v", h, want))
	}
	return fmt.Errorf("song %s: its final is %+v, that of an undisturbed song of %s", s.id.Song, got, strings.Join(wants, " or of "))
}

func number(t *testing.T, name string, def int) int {
	t.Helper()
	s := os.Getenv(name)
	if s == "" {
		return def
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		t.Fatalf("%s: %q, want a number from 1", name, s)
	}
	return n
}

// mark notes how long the logs are.
func (b *bench) mark() map[string]int64 {
	marks := map[string]int64{}
	for _, name := range b.Names() {
		if st, err := os.Stat(b.Log(name)); err == nil {
			marks[name] = st.Size()
		}
	}
	return marks
}

// keep writes what was logged since the marks, and the steps of the song, into a
// folder that stays, and returns its name.
func (b *bench) keep(t *testing.T, sc schedule, s *song, said []string, marks map[string]int64) string {
	t.Helper()
	dir, err := os.MkdirTemp(os.Getenv("CHAOS_LOGS"), "choir-chaos-"+sc.name+"-")
	if err != nil {
		return err.Error()
	}
	write := func(name string, text []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			t.Log(err)
		}
	}
	for _, name := range b.Names() {
		text, err := os.ReadFile(b.Log(name))
		if err != nil {
			text = []byte(err.Error())
		}
		write(name+".log", text[min(int64(len(text)), marks[name]):])
	}
	var steps strings.Builder
	if s != nil {
		events, err := b.store.Events(context.WithoutCancel(t.Context()), s.id, 0, 10_000)
		for _, e := range events {
			fmt.Fprintln(&steps, e.Seq, e.At.Format("15:04:05.000"), e.Run, e.Part, e.Stage, e.State, e.Stripe, e.Segment, e.Attempt, e.Text)
		}
		if err != nil {
			fmt.Fprintln(&steps, err)
		}
	}
	write("steps.txt", []byte(steps.String()))
	write("schedule.txt", []byte(sc.String()+"\n"+strings.Join(said, "\n")+"\n"))
	return dir
}
