package coordinator

import (
	"bytes"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/choirless/render/definition"
	"github.com/choirless/render/encode"
	"github.com/choirless/render/media"
	"github.com/choirless/render/mix"
	"github.com/choirless/render/plan"
)

// crypt is a mono impulse response of half a second at 44.1 kHz.
func crypt(gain float32) []float32 {
	x := make([]float32, 22050)
	seed := uint32(3)
	for i := range x {
		seed = seed*1664525 + 1013904223
		x[i] = gain * (float32(seed>>8)/(1<<24) - 0.5) * float32(math.Exp(-float64(i)/4000))
	}
	x[0] = 0.9 * gain
	return x
}

func wavOf(t *testing.T, x []float32) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := mix.NewWAVWriter(&out, 44100, 1, int64(len(x)))
	if err == nil {
		err = w.Write([][]float32{x})
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func flacOf(t *testing.T, x []float32) []byte {
	t.Helper()
	out, err := os.Create(t.TempDir() + "/ir.flac")
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	f, err := encode.NewFLAC(out, 44100, 1)
	if err == nil {
		err = f.Write(media.Block{Rate: 44100, Channels: [][]float32{x}})
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(out.Name())
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// A room is a name: of those that are synthesised, or of a file in the misc bucket.
func TestRoomsByName(t *testing.T) {
	b := newBench(t)
	b.putOnly(definition.BucketMisc, "crypt.wav", wavOf(t, crypt(1)))
	b.putOnly(definition.BucketMisc, "faint.wav", wavOf(t, crypt(0.01)))
	b.putOnly(definition.BucketMisc, "nave.flac", flacOf(t, crypt(1)))
	b.putOnly(definition.BucketMisc, "broken.wav", []byte("no sound at all"))
	c := Coordinator{cfg: b.config()}
	options := func(room string) (mix.MasterOptions, string) {
		t.Helper()
		o, warnings, err := c.MasterOptions(t.Context(), plan.Master{Room: room, Wet: 0.3, Target: -18, Ceiling: -2})
		if err != nil || o.Target != -18 || o.Ceiling != -2 || o.Wet != 0.3 {
			t.Fatalf("%s: %+v, %v", room, o, err)
		}
		text := ""
		for _, w := range warnings {
			text += w.Text
		}
		return o, text
	}
	for _, room := range mix.RoomNames() {
		if o, w := options(room); o.Room != room || o.IR != nil || w != "" {
			t.Errorf("%s: %+v, %q", room, o, w)
		}
	}
	left := map[string][]float32{}
	for _, room := range []string{"crypt", "crypt.wav", "faint", "nave"} {
		o, w := options(room)
		if o.IR == nil || w != "" {
			t.Fatalf("%s: %+v, %q", room, o, w)
		}
		left[room], _ = o.IR.Response()
		if n := o.IR.Tail(); n < 22000 || n > 24100 { // half a second at 48 kHz
			t.Errorf("%s: %d samples", room, n)
		}
	}
	// WAV or FLAC, loud or faint: calibrated, so that it is the same room.
	for room := range left {
		for i := range min(len(left[room]), len(left["crypt"])) {
			if d := math.Abs(float64(left[room][i] - left["crypt"][i])); d > 1e-3 {
				t.Fatalf("%s differs from crypt by %g at %d", room, d, i)
			}
		}
	}
	for room, want := range map[string]string{"broken": "broken.wav", "nowhere": `"nowhere": not found`} {
		if o, w := options(room); o.IR != nil || o.Room != "hall" || !strings.Contains(w, want) || !strings.Contains(w, "the hall is used") {
			t.Errorf("%s: %+v, %q", room, o, w)
		}
	}
}

// A song may have nothing to hear, by its parts or by their volumes, and is not said
// to be at full scale then.
func TestSilentSongs(t *testing.T) {
	for _, volume := range []float64{0, 1e-9} {
		b := newBench(t)
		b.node(nil)
		c, _ := b.start(b.config())
		err := c.PutSong(t.Context(), testSong, &definition.SongFile{Parts: []definition.Part{{PartID: "p0", Volume: definition.Some(volume)}}})
		if err != nil {
			t.Fatal(err)
		}
		b.song(1)
		if o := b.done(c, "").Output; !o.Silent || o.LUFS != mix.FloorLUFS || o.TruePeak > -100 {
			t.Errorf("volume %g: silent %t, %g LUFS, %g dBTP", volume, o.Silent, o.LUFS, o.TruePeak)
		}
	}
}

// Loudness and ceiling at their bounds: the coder's peaks want a ceiling below the
// least that may be asked for, and the loudness cannot be had.
func TestLoudnessOutOfReach(t *testing.T) {
	b := newBench(t)
	b.node(nil)
	c, _ := b.start(b.config())
	out := definition.Output{Loudness: definition.Some(-5.0), TruePeak: definition.Some(-20.0)}
	if err := c.PutSong(t.Context(), testSong, &definition.SongFile{Settings: definition.Settings{Output: out}}); err != nil {
		t.Fatal(err)
	}
	b.song(1)
	r := b.done(c, "")
	if r.Output.TruePeak > -20+2*peakTolerance || !warned(r, "", "asked for were -5.0") {
		t.Errorf("%g dBTP, warnings %v", r.Output.TruePeak, r.Warnings)
	}
}

// A ceiling of 0 dBTP is not one that was left out.
func TestCeilingOfZero(t *testing.T) {
	c := Coordinator{cfg: newBench(t).config()}
	o, _, err := c.MasterOptions(t.Context(), plan.Master{Target: -16, Ceiling: 0})
	if err != nil || o.Ceiling != 0 {
		t.Errorf("%+v, %v", o, err)
	}
}
