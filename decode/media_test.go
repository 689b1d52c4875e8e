package decode

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/choirless/render/media"
)

// recordings is a folder of real browser recordings and odd uploads, beside the
// checkout of those who have it.
const recordings = "../../shared/media"

type upload struct {
	File  string   `json:"file"`
	Video *float64 `json:"last_video_pts_s"`
}

func uploads(t *testing.T) map[string]upload {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(recordings, "manifest.json"))
	if errors.Is(err, os.ErrNotExist) {
		t.Skipf("extra media are not here: no recordings in %s", recordings)
	}
	var m struct{ Song, Others map[string]upload }
	if err == nil {
		err = json.Unmarshal(data, &m)
	}
	if err != nil {
		t.Fatal(err)
	}
	for k, u := range m.Others {
		m.Song[k] = u
	}
	return m.Song
}

// known is what the manifest says of some of them, in our words.
var known = map[string]struct {
	reject, warning    string
	video, sound       bool
	displayW, displayH int
	videoStart         time.Duration
	soundStart         time.Duration
	soundSamples       int64 // at its own rate, from part time 0; 0 is not checked
	rotation           media.Rotation
	reencode           string
	frames             int
}{
	"back":     {video: true, sound: true, displayW: 640, displayH: 480, soundStart: 40 * ms, frames: 374, soundSamples: 1920 + 1224000},
	"a1":       {video: true, sound: true, displayW: 480, displayH: 640, soundStart: 11 * ms, frames: 596},
	"t1":       {video: true, sound: true, displayW: 1280, displayH: 720, soundStart: 31 * ms, frames: 403, soundSamples: 1488 + 1203840},
	"t2":       {video: true, sound: true, displayW: 640, displayH: 480, soundStart: 22 * ms, frames: 697},
	"ao":       {sound: true, soundSamples: 1195200},
	"vo":       {video: true, displayW: 640, displayH: 480, frames: 50},
	"m4a":      {sound: true},
	"s51":      {sound: true},
	"rot90":    {video: true, sound: true, displayW: 720, displayH: 1280, rotation: 270, frames: 300},
	"rot270":   {video: true, sound: true, displayW: 1080, displayH: 1920, rotation: 90, frames: 750},
	"rot180":   {video: true, sound: true, displayW: 640, displayH: 480, rotation: 180, frames: 150},
	"vlate":    {video: true, sound: true, displayW: 640, displayH: 480, videoStart: 400 * ms, frames: 240},
	"alate":    {video: true, sound: true, displayW: 640, displayH: 480, soundStart: 578 * ms, frames: 240}, // 600 less 1024 of priming that the file leaves in
	"neg":      {video: true, sound: true, displayW: 1920, displayH: 1080, frames: 196, reencode: "edit list"},
	"negmkv":   {video: true, sound: true, displayW: 480, displayH: 360, videoStart: 24 * ms, frames: 250, reencode: "without a timestamp"},
	"anam":     {video: true, sound: true, displayW: 640, displayH: 480, frames: 120},
	"odd":      {video: true, sound: true, displayW: 641, displayH: 359, videoStart: 7 * ms, frames: 180},
	"three":    {video: true, sound: true, displayW: 640, displayH: 480, videoStart: 7 * ms, frames: 3},
	"start5":   {video: true, sound: true, displayW: 640, displayH: 480, videoStart: 7 * ms, frames: 240},
	"longgop":  {video: true, sound: true, displayW: 480, displayH: 360, frames: 720},
	"mjpeg":    {video: true, sound: true, displayW: 640, displayH: 360, frames: 45},
	"reschg":   {video: true, sound: true, displayW: 640, displayH: 480, videoStart: 14 * ms, frames: 240},
	"trunc":    {video: true, sound: true, displayW: 640, displayH: 480, soundStart: 40 * ms, frames: 231, warning: "cut short"},
	"truncmp4": {reject: "moov"},
	"zero":     {reject: "empty"},
	"text":     {reject: "not a media file"},
}

func TestRecordings(t *testing.T) {
	for key, u := range uploads(t) {
		want, ok := known[key]
		if !ok {
			continue
		}
		t.Run(key, func(t *testing.T) {
			f, err := os.Open(filepath.Join(recordings, u.File))
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			in, err := Inspect(t.Context(), f)
			if want.reject != "" {
				var r *RejectError
				if !errors.As(err, &r) || !strings.Contains(r.Reason, want.reject) {
					t.Errorf("error %v, want a rejection with %q", err, want.reject)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			facts := in.Facts
			if (facts.Video != nil) != want.video || (facts.Audio != nil) != want.sound {
				t.Fatalf("picture %v, sound %v", facts.Video != nil, facts.Audio != nil)
			}
			if !strings.Contains(in.Reencode, want.reencode) || want.reencode == "" && in.Reencode != "" {
				t.Errorf("to be encoded again because of %q, want %q", in.Reencode, want.reencode)
			}
			if w := strings.Join(facts.Warnings, ", "); !strings.Contains(w, want.warning) || want.warning == "" && w != "" {
				t.Errorf("warnings %q, want %q", w, want.warning)
			}
			if v := facts.Video; v != nil {
				w, h := v.DisplaySize()
				if int(w+0.5) != want.displayW || int(h+0.5) != want.displayH || v.Rotation != want.rotation {
					t.Errorf("seen as %gx%g after %d degrees, want %dx%d after %d", w, h, v.Rotation, want.displayW, want.displayH, want.rotation)
				}
				if v.Frames != want.frames || v.Start != want.videoStart {
					t.Errorf("%d pictures from %v, want %d from %v", v.Frames, v.Start, want.frames, want.videoStart)
				}
				if u.Video != nil {
					if end := time.Duration(*u.Video * float64(time.Second)); v.End < end || v.End > end+500*ms {
						t.Errorf("picture ends at %v, its last timestamp is %v", v.End, end)
					}
				}
				checkPictures(t, f, v)
			}
			if a := facts.Audio; a != nil {
				if a.Start.Truncate(ms) != want.soundStart {
					t.Errorf("sound from %v, want %v", a.Start, want.soundStart)
				}
				checkSound(t, f, want.soundSamples)
			}
		})
	}
}

// checkPictures reads all pictures, and again from three places.
func checkPictures(t *testing.T, f *os.File, facts *media.VideoFacts) {
	t.Helper()
	read := func(from time.Duration) (at []time.Duration) {
		f.Seek(0, io.SeekStart)
		v, err := OpenVideo(t.Context(), f, VideoOptions{From: from, Threads: 2})
		if err != nil {
			t.Fatal(err)
		}
		defer v.Close()
		for {
			p, err := v.Read()
			if err == io.EOF {
				return at
			}
			if err != nil {
				t.Fatal(err)
			}
			at = append(at, p.Time)
		}
	}
	whole := read(0)
	if len(whole) != facts.Frames || whole[0] != facts.Start {
		t.Fatalf("%d pictures from %v, probed %d from %v", len(whole), whole[0], facts.Frames, facts.Start)
	}
	for _, share := range []int{3, 8} {
		from := whole[len(whole)*share/10]
		part := read(from)
		if len(part) == 0 || part[0] > from {
			t.Fatalf("from %v: %d pictures, the first too late", from, len(part))
		}
		for i, p := range part {
			if want := whole[len(whole)-len(part)+i]; p != want {
				t.Fatalf("from %v: picture at %v, want %v", from, p, want)
			}
		}
	}
}

func checkSound(t *testing.T, f *os.File, samples int64) {
	t.Helper()
	f.Seek(0, io.SeekStart)
	a, err := OpenAudio(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if n := int64(len(listen(t, a))); samples != 0 && n != samples {
		t.Errorf("%d samples, want %d", n, samples)
	}
}
