package main

import (
	"bufio"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/choirless/render/scripts/render-local/drive"
)

// avFrame is a picture that came out, avSound a millisecond of sound.
type (
	avFrame struct {
		ns    int64
		index int
		luma  float64
	}
	avSound struct {
		ns, song int64
		rms      float64
	}
)

func readAVLog(t *testing.T, file string) (frames []avFrame, sounds []avSound) {
	t.Helper()
	f := must[*os.File](t)(os.Open(file))
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var p avFrame
		var s avSound
		if n, _ := fmt.Sscanf(lines.Text(), "frame,%d,%d,%f", &p.ns, &p.index, &p.luma); n == 3 {
			frames = append(frames, p)
		} else if n, _ := fmt.Sscanf(lines.Text(), "sound,%d,%d,%f", &s.ns, &s.song, &s.rms); n == 3 && s.song >= 0 {
			sounds = append(sounds, s)
		}
	}
	return frames, sounds
}

// offset is how much later than the sound a picture came out, ms, against where
// both belong in the song: the monitor's own error, whatever the recordings' is.
func (p avFrame) offset(sounds []avSound, samplesPerFrame float64) (float64, bool) {
	due := float64(p.index) * samplesPerFrame
	i, _ := slices.BinarySearchFunc(sounds, due, func(s avSound, v float64) int { return int(float64(s.song) - v) })
	if i == 0 || i >= len(sounds) {
		return 0, false
	}
	s := sounds[i]
	heard := float64(s.ns) + (due-float64(s.song))/48000*1e9
	return (float64(p.ns) - heard) / 1e6, true
}

// TestMonitorIsInSync: flashes are seen when their beeps are heard. A busy machine
// shows a picture late, never early, or not at all: so the song is played until a
// flash has been seen in time (an error of the program's own is in all of them), and
// hardly any picture may be early.
func TestMonitorIsInSync(t *testing.T) {
	s := screen(t)
	log := filepath.Join(t.TempDir(), "av.csv")
	r := openWindow(t, s, "--mute", "--paused", "--window", "480x320", "--av-log", log, choir(t))
	await(t, r, "first picture", func(st drive.Status) bool { return st.Frame >= 0 })
	do(t, r, "key Tab")
	const rounds, most = 8, 20 // ms
	var all, seen []float64
	best := math.Inf(1)
	for round := 0; round < rounds && math.Abs(best) > most; round++ {
		do(t, r, "key Space")
		await(t, r, "the end", func(st drive.Status) bool { return !st.Playing })
		frames, sounds := readAVLog(t, log)
		all, seen = measureSync(t, frames, sounds)
		for _, ms := range seen {
			if math.Abs(ms) < math.Abs(best) {
				best = ms
			}
		}
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if math.Abs(best) > most {
		t.Errorf("in %d rounds a flash was seen %.1f ms after its beep at best, want within %d", rounds, best, most)
	}
	slices.Sort(all)
	if early := all[len(all)/20]; early < -20 { // where sound is late itself, a picture may be
		t.Errorf("one picture in twenty came %.1f ms before its sound, or more", -early)
	}
}

// measureSync returns the monitor's error for all pictures of the last round, and
// for those that show a flash whose beep was heard.
func measureSync(t *testing.T, frames []avFrame, sounds []avSound) (all, seen []float64) {
	t.Helper()
	// The last round only: in it song positions go up all the way.
	for i := len(sounds) - 1; i > 0; i-- {
		if sounds[i].song < sounds[i-1].song {
			sounds = sounds[i:]
			break
		}
	}
	if len(sounds) == 0 {
		t.Fatal("no sound was played")
	}
	frames = slices.DeleteFunc(frames, func(p avFrame) bool { return p.ns < sounds[0].ns })
	for i, p := range frames {
		ms, ok := p.offset(sounds, 48000.0/25)
		if !ok {
			continue
		}
		all = append(all, ms)
		if i == 0 || p.luma <= frames[i-1].luma+20 || p.index > frames[i-1].index+2 {
			continue
		}
		if beep, ok := nearestBeep(sounds, p.ns); ok {
			seen = append(seen, ms)
			t.Logf("flash in frame %d %.1f ms after its beep, the monitor's share %.1f ms", p.index, float64(p.ns-beep)/1e6, ms)
		}
	}
	t.Logf("%d frames shown, offsets %s", len(frames), spread(all))
	return all, seen
}

// nearestBeep is when the beep that belongs to a flash begins: the sharpest rise
// within 150 ms.
func nearestBeep(sounds []avSound, ns int64) (int64, bool) {
	best, at := 0.0, int64(0)
	for i := 5; i < len(sounds); i++ {
		if d := sounds[i].ns - ns; d < -150e6 || d > 150e6 {
			continue
		}
		if rise := sounds[i].rms - sounds[i-5].rms; rise > best {
			best, at = rise, sounds[i].ns
		}
	}
	return at, best > 0.02
}

func spread(v []float64) string {
	if len(v) == 0 {
		return "none"
	}
	v = slices.Sorted(slices.Values(v))
	at := func(q float64) float64 { return v[int(q*float64(len(v)-1))] }
	return fmt.Sprintf("min %.1f, median %.1f, p95 %.1f, max %.1f ms", v[0], at(0.5), at(0.95), v[len(v)-1])
}
