package main

import (
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/choirless/render/definition"
)

func seconds(s float64) time.Duration { return time.Duration(math.Round(s * 1e9)) }

// recording makes the take of one part.
func (g *generator) recording(i int) *take {
	t := &g.truth.Parts[i]
	clock := 1 + t.DriftPPM/1e6
	toSong := func(part float64) float64 { return (part - t.OffsetMS/1000) / clock }
	k := &take{recipe: g.recipes[i], seconds: t.Seconds, label: !g.o.NoLabel}
	k.audioAt = int64(math.Round(t.AudioMS * rate / 1000))
	if k.Container != phoneMP4 {
		k.audioAt += opusPriming // written first, as a browser's is
	}
	heard := k.audioAt
	if k.Video == "" {
		heard = 0 // part time begins with what is presented first, here a sound
	}

	var voice []float32 // song time
	var still func(c *canvas, at float64)
	if i == 0 {
		voice = g.piano
		if k.Video != "" {
			still = newKeyboard(k.W, k.H, g.o.Seconds-0.8).draw
		}
	} else {
		s := newSinger(g.random(i, 4), Voice((i-1)%4), g.o.Seconds-0.8, g.o.Jitter/1000)
		voice = s.Sing(g.random(i, 5), g.o.Seconds*clock, clock)
		if k.Video != "" {
			still = newPortrait(g.random(i, 6), k.W, k.H, i-1, &s).draw
		}
	}
	k.draw = func(c *canvas, at float64) { still(c, toSong(at)) }
	if g.o.Flash {
		k.flash = func(at float64) bool { return g.flashing(toSong(at)) }
	}
	k.sound = g.microphone(i, voice, heard, clock)
	k.times = pictureTimes(g.random(i, 7), k.recipe, t.Seconds)
	t.Frames = len(k.times)
	return k
}

// opusPriming is how many samples libopus puts before the first it is given.
const opusPriming = 312

// flashSeconds is how long a flash and its beep last.
const flashSeconds = 0.08

func (g *generator) flashing(song float64) bool {
	for _, f := range g.truth.Flashes {
		if song >= f/1000 && song < f/1000+flashSeconds {
			return true
		}
	}
	return false
}

// pictureTimes draws when each picture was taken: a camera's steady clock, a
// browser's wandering stamps, pictures that were never recorded. Whole milliseconds.
func pictureTimes(r *rand.Rand, rec recipe, length float64) []float64 {
	if rec.Video == "" {
		return nil
	}
	var times []float64
	for n := 0; ; n++ {
		t := float64(n) / rec.FPS
		if t >= length {
			return times
		}
		wander := rec.Jitter * max(-2, min(2, r.NormFloat64()))
		dropped := r.Float64() < rec.Drop
		if n > 0 {
			t += wander
		}
		if dropped && n > 0 {
			continue
		}
		t = math.Round(t*1000) / 1000
		if k := len(times); k > 0 && t <= times[k-1] {
			t = times[k-1] + 0.001
		}
		times = append(times, t)
	}
}

// microphone turns a voice in song time into what the recording hears from a part
// time on, in samples: at the right place and level, the room around it, noise, the
// singer's headphones, beeps.
func (g *generator) microphone(i int, voice []float32, from int64, clock float64) [][]float32 {
	t := &g.truth.Parts[i]
	r := g.random(i, 8)
	n := int(t.Seconds*rate) - int(from)
	out := make([]float32, n)
	shift := int(math.Round(t.OffsetMS*rate/1000)) - int(from)
	gain := float32(math.Pow(10, t.PeakDB/20))
	add := func(src []float32, at int, a float32) {
		for k, v := range src {
			if p := k + at; p >= 0 && p < n {
				out[p] += a * v
			}
		}
	}
	add(voice, shift, gain)
	if i > 0 {
		for _, wall := range []float64{0.006 + 0.004*r.Float64(), 0.013 + 0.006*r.Float64(), 0.024 + 0.01*r.Float64()} {
			add(voice, shift+int(wall*rate), gain*float32(0.12+0.1*r.Float64()))
		}
		if t.BleedDB != 0 {
			add(stretch(g.piano, clock), shift, gain*float32(math.Pow(10, t.BleedDB/20)))
		}
		noise(r, out, math.Pow(10, (-66+10*r.Float64())/20))
	}
	if g.o.Flash {
		for _, f := range g.truth.Flashes {
			beep(out, shift+int(math.Round(f/1000*clock*rate)))
		}
	}
	channels := [][]float32{out}
	if t.Channels == 2 {
		right := make([]float32, n)
		balance := float32(0.75 + 0.25*r.Float64())
		for k, v := range out {
			right[k] = balance * v
		}
		channels = append(channels, right)
	}
	return channels
}

// stretch plays x slower by the factor clock; linear interpolation is enough for what
// leaks from headphones.
func stretch(x []float32, clock float64) []float32 {
	if clock == 1 {
		return x
	}
	out := make([]float32, int(float64(len(x))*clock))
	for i := range out {
		at := float64(i) / clock
		k := int(at)
		if k+1 >= len(x) {
			break
		}
		f := float32(at - float64(k))
		out[i] = x[k]*(1-f) + x[k+1]*f
	}
	return out
}

// noise adds a room's: duller than white.
func noise(r *rand.Rand, out []float32, rms float64) {
	low := 0.0
	for i := range out {
		low += 0.2 * (r.NormFloat64() - low)
		out[i] += float32(rms * 3 * low)
	}
}

// beep adds 80 ms of 1 kHz with edges of 2 ms.
func beep(out []float32, first int) {
	for i := range int(flashSeconds * rate) {
		at := first + i
		if at < 0 || at >= len(out) {
			continue
		}
		e := min(1, float64(i)/96, (flashSeconds*rate-float64(i))/96)
		out[at] += float32(0.5 * e * math.Sin(2*math.Pi*1000*float64(i)/rate))
	}
}

// tinyVariants is how many different recordings a tiny choir is copied from.
const tinyVariants = 4

// tiny writes a choir that costs next to nothing: four small recordings, under as
// many names as there are parts.
func (g *generator) tiny() error {
	sizes := [tinyVariants][2]int{{96, 72}, {128, 72}, {72, 96}, {96, 54}}
	n := min(tinyVariants, g.o.Parts)
	files := make([][]byte, n)
	for i := range n {
		rec := recipe{"tiny", liveWebM, "libvpx", sizes[i][0], sizes[i][1], 0, 10, 0, 0, 1, 40e3}
		g.recipes[i] = rec
		t := &g.truth.Parts[i]
		k := g.recording(i)
		path := filepath.Join(g.o.Out, t.File)
		if err := k.write(path); err != nil {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files[i] = b
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	song := definition.Song{Choir: g.truth.Choir, Song: g.truth.Song}
	for i := range g.truth.Parts {
		from := i
		if i >= n {
			from = 1 + (i-1)%(n-1) // never the backing again
		}
		t := &g.truth.Parts[i]
		kept := *t
		*t = g.truth.Parts[from]
		t.Part, t.Name = kept.Part, kept.Name
		t.File = definition.RawKey{Song: song, Part: t.Part, Ext: "webm"}.String()
		t.Recipe, t.Width, t.Height, t.FPS, t.Rotation, t.Channels = "tiny", sizes[from][0], sizes[from][1], 10, 0, 1
		if err := os.WriteFile(filepath.Join(g.o.Out, t.File), files[from], 0o666); err != nil {
			return err
		}
	}
	return g.documents()
}
