// Soak keeps render-local busy for a long time and watches its memory: it plays
// in a loop, jumps, moves and balances parts, reloads good and broken shaders,
// compares with ffmpeg. It prints a line of CSV every few seconds and fails when
// the process has grown. With --calm it only plays, and fails when pictures are
// dropped after the first seconds, in which the loudness is measured.
//
//	soak [--minutes 30] [--calm] [--program bin/render-local] [--out soak.csv] [SONG]
//
// Without a song one is generated. A screen of its own is started for it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/choirless/render/scripts/render-local/drive"
)

const (
	// every is the time between two lines.
	every = 5 * time.Second
	// mostGrowth is by how much the median of the last tenth may be above that of
	// the first tenth after the warm-up. What the allocator keeps varies by less.
	mostGrowth = 1.10
	// warm is the share of the run in which caches fill.
	warm = 0.1
	// settle is the beginning in which a calm run may drop pictures.
	settle = 10 * time.Second
)

type config struct {
	minutes            float64
	calm               bool
	program, out, song string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var c config
	flag.Float64Var(&c.minutes, "minutes", 30, "how long")
	flag.BoolVar(&c.calm, "calm", false, "only play: are pictures dropped?")
	flag.StringVar(&c.program, "program", "bin/render-local", "the program")
	flag.StringVar(&c.out, "out", "", "CSV file; by default standard output")
	flag.Parse()
	c.song = flag.Arg(0)
	if err := run(ctx, c); err != nil {
		fmt.Fprintln(os.Stderr, "soak: error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, c config) (err error) {
	dir, err := os.MkdirTemp("", "soak-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if c.song == "" {
		c.song = filepath.Join(dir, "song")
		cmd := exec.CommandContext(ctx, "go", "run", "./scripts/choirgen", "--quiet", "--flash", "--parts", "4", "--seconds", "10", "--out", c.song)
		cmd.Stderr = os.Stderr
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("choirgen: %w", err)
		}
	}
	w := io.Writer(os.Stdout)
	if c.out != "" {
		f, err := os.Create(c.out)
		if err != nil {
			return err
		}
		defer f.Close()
		w = f
	}
	shaders := filepath.Join(dir, "shaders")
	if err := os.CopyFS(shaders, os.DirFS("shaders")); err != nil {
		return err
	}
	screen, err := drive.Start(1400, 900)
	if err != nil {
		return err
	}
	defer screen.Close()
	args := []string{"--mute", "--size", "640x360", "--window", "800x600"}
	if c.calm {
		args = nil // as a person opens it
	}
	s, err := screen.Run(c.program, append(args, "--shaders", shaders, "--cache", filepath.Join(dir, "cache"), c.song)...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if c.calm {
		return play(ctx, c, s)
	}
	samples, err := watch(ctx, c, s, shaders, w)
	if err != nil {
		return err
	}
	return judge(samples)
}

// play plays the song over and over and counts what is dropped.
func play(ctx context.Context, c config, s *drive.Session) error {
	if err := pause(ctx, settle); err != nil {
		return err
	}
	from, err := s.Status()
	if err != nil {
		return err
	}
	to := from
	for began := time.Now(); time.Since(began).Minutes() < c.minutes; {
		if err := pause(ctx, time.Second/4); err != nil {
			return err
		}
		if to, err = s.Status(); err != nil {
			return err
		}
		if !to.Playing {
			if _, err := s.Do("key Space"); err != nil {
				return err
			}
		}
	}
	shown, dropped := to.Presented-from.Presented, to.Dropped-from.Dropped
	verdict := fmt.Sprintf("%d pictures shown, %d dropped, sound late by %.0f ms", shown, dropped, to.StarvedMS-from.StarvedMS)
	if shown == 0 || dropped > 0 {
		return errors.New(verdict)
	}
	fmt.Println("soak: calm:", verdict)
	return nil
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// watch keeps the program busy and returns its memory over time, KiB.
func watch(ctx context.Context, c config, s *drive.Session, shaders string, w io.Writer) ([]int, error) {
	fmt.Fprintln(w, "seconds,resident_kib,presented,dropped,starved_ms,reload_ms,look")
	if _, err := s.Do("key ["); err != nil {
		return nil, err
	}
	if _, err := s.Do("seek 9"); err != nil {
		return nil, err
	}
	if _, err := s.Do("key ]"); err != nil {
		return nil, err
	}
	fast, err := os.ReadFile(filepath.Join(shaders, "fast.glsl"))
	if err != nil {
		return nil, err
	}
	var samples []int
	began := time.Now()
	for round := 0; time.Since(began).Minutes() < c.minutes; round++ {
		if err := disturb(s, round, filepath.Join(shaders, "fast.glsl"), string(fast)); err != nil {
			return samples, err
		}
		if err := pause(ctx, every); err != nil {
			return samples, err
		}
		st, err := s.Status()
		if err != nil {
			return samples, err
		}
		samples = append(samples, st.Resident)
		fmt.Fprintf(w, "%.0f,%d,%d,%d,%.0f,%.0f,%d\n", time.Since(began).Seconds(), st.Resident, st.Presented, st.Dropped, st.StarvedMS, st.ReloadMS, st.Look)
	}
	return samples, nil
}

// disturb does something else every round.
func disturb(s *drive.Session, round int, file, text string) error {
	var commands []string
	switch round % 8 {
	case 0:
		return os.WriteFile(file, []byte(fmt.Sprintf("%s\n// round %d\n", text, round)), 0o644)
	case 1:
		commands = []string{"key Shift+K", "key Shift+J", "key K", "key J"}
	case 2:
		commands = []string{"key W", "key Q", "key A", "key D", "key S", "key S"}
	case 3:
		return os.WriteFile(file, []byte(text+"\nfloat broken() { return oops; }\n"), 0o644)
	case 4:
		commands = []string{"seek 2", "key Space", "key .", "key ,", "key Space"}
	case 5:
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			return err
		}
		commands = []string{"key C"}
	case 6:
		commands = []string{"key C", "key Z", "key F1"}
	case 7:
		commands = []string{"key Z", "key F1", "key Tab", "key Tab"}
	}
	for _, c := range commands {
		if _, err := s.Do("%s", c); err != nil {
			return fmt.Errorf("%s: %w", c, err)
		}
	}
	return nil
}

// judge compares the memory of the end with that of the beginning.
func judge(samples []int) error {
	n := len(samples)
	tenth := max(1, n/10)
	first := int(warm * float64(n))
	if first+2*tenth > n {
		return fmt.Errorf("only %d samples", n)
	}
	a, b := median(samples[first:first+tenth]), median(samples[n-tenth:])
	verdict := fmt.Sprintf("resident %d MiB after the warm-up, %d MiB at the end, at most %d", a>>10, b>>10, slices.Max(samples)>>10)
	if float64(b) > float64(a)*mostGrowth {
		return errors.New("grows: " + verdict)
	}
	fmt.Println(strings.TrimSpace("soak: flat: " + verdict))
	return nil
}

func median(v []int) int {
	v = slices.Sorted(slices.Values(v))
	return v[len(v)/2]
}
