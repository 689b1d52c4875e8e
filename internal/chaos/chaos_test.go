package chaos

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// The fixed selection of schedules that every test run makes; between them they hold
// every fault.
const (
	chosenSeed      = 67
	chosenSchedules = 7
)

// TestChaos makes songs on one cluster while it is disturbed. `make chaos` makes
// CHAOS_SCHEDULES of them under schedules drawn from CHAOS_SEED, CHAOS_SEED+1 and so
// on; `make chaos-steps` sets CHAOS_EVERY and kills at every single step.
func TestChaos(t *testing.T) {
	b := newBench(t)
	var songs []*song
	t.Run("schedules", func(t *testing.T) {
		seed, n := number(t, "CHAOS_SEED", chosenSeed), number(t, "CHAOS_SCHEDULES", chosenSchedules)
		for i := range n {
			sc := draw(uint64(seed + i))
			songs = append(songs, b.disturb(t, sc, fmt.Sprintf("make chaos CHAOS_SCHEDULES=1 CHAOS_SEED=%d", sc.seed)))
		}
	})
	t.Run("steps", func(t *testing.T) {
		every := steps/3 - 1
		if os.Getenv("CHAOS_EVERY") != "" {
			every = 1
		}
		for step := 0; step < steps-1; step += every {
			songs = append(songs, b.disturb(t, schedule{
				name: fmt.Sprint("coordinator", step), hits: []hit{{fault: killsCoordinator, step: step, seed: uint64(step)}},
			}, "make chaos-steps"))
		}
		if every > 1 {
			return
		}
		for step := range steps - 1 {
			songs = append(songs, b.disturb(t, schedule{
				name: fmt.Sprint("node", step), hits: []hit{{fault: killsNode, step: step, seed: uint64(step)}},
			}, "make chaos-steps"))
		}
		for _, kind := range []trouble{answer500, answer503, slow, cut} {
			songs = append(songs, b.disturb(t, schedule{
				name: "half-a-minute-" + string(kind), trouble: kind, troubleAt: 500 * time.Millisecond, troubleFor: 30 * time.Second,
			}, "make chaos-steps"))
		}
	})
	// Nothing that came late has changed anything.
	for _, s := range songs {
		if s == nil {
			continue
		}
		if err := b.once(t.Context(), s); err != nil {
			t.Error(err)
		}
	}
}

// disturb makes a song under a schedule, and returns it when all went well. again is
// the command that does the same.
func (b *bench) disturb(t *testing.T, sc schedule, again string) *song {
	t.Helper()
	marks := b.mark()
	began := time.Now()
	said, s, err := b.run(t.Context(), sc)
	t.Logf("%s, %.1f s: %s\n  %s", sc.name, time.Since(began).Seconds(), sc, strings.Join(said, "\n  "))
	if err == nil {
		return s
	}
	t.Errorf("%s: %v\nagain: %s\nlogs: %s", sc.name, err, again, b.keep(t, sc, s, said, marks))
	if err := b.heal(t.Context()); err != nil {
		t.Fatal(err)
	}
	return nil
}

// What every test run makes must hold everything there is, whatever is added.
func TestChosenHoldsEverything(t *testing.T) {
	var all strings.Builder
	for i := range chosenSchedules {
		fmt.Fprintln(&all, draw(uint64(chosenSeed+i)))
	}
	want := []string{"every message twice", "events lost", "overtake", "two coordinators", "uploaded again", "S3 503"}
	for _, f := range faults {
		want = append(want, f.name)
	}
	for _, w := range want {
		if !strings.Contains(all.String(), w) {
			t.Errorf("none of the chosen schedules has %q:\n%s", w, all.String())
		}
	}
}
