package main

import (
	"context"
	"encoding/json"
	"errors"
	"image"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/choirless/render/align"
	"github.com/choirless/render/decode"
	"github.com/choirless/render/definition"
	"github.com/choirless/render/encode"
	"github.com/choirless/render/internal/barcode"
	"github.com/choirless/render/local"
	"github.com/choirless/render/media"
)

func TestRenderChoir(t *testing.T) {
	dir, tr := choir(t, "--parts", "5", "--seconds", "8")
	stems := t.TempDir()
	out, r := rendered(t, dir, "--size", "960x540", "--no-cache", "--stems", stems)

	if r.Output.LUFS < -16.5 || r.Output.LUFS > -15.5 || r.Output.DBTP > -1 {
		t.Errorf("%.2f LUFS, %.2f dBTP, want -16 ±0.5 and at most -1", r.Output.LUFS, r.Output.DBTP)
	}
	if want := r.Parts[0].Duration * 25; math.Abs(float64(r.Output.Frames)-want) > 1.5 {
		t.Errorf("%d frames, want the backing's %.1f", r.Output.Frames, want)
	}
	if _, err := os.Stat(strings.TrimSuffix(out, ".mp4") + ".jpg"); err != nil {
		t.Errorf("no thumbnail: %v", err)
	}
	checkStems(t, stems, len(tr.Parts))
	def := definitionOf(t, dir)
	final := finalFeatures(t, out)
	for i, p := range tr.Parts {
		rp := r.Parts[i]
		if rp.Part != p.Part || rp.OffsetMS == nil {
			t.Fatalf("report has %q at %v, truth %q", rp.Part, rp.OffsetMS, p.Part)
		}
		// The singers' own scatter is part of what the aligner sees.
		if math.Abs(*rp.OffsetMS-p.Offset) > 60 {
			t.Errorf("part %s: offset %.1f ms, truth %.1f", p.Part, *rp.OffsetMS, p.Offset)
		}
		checkVoice(t, final, filepath.Join(dir, p.File), *rp.OffsetMS)
		if p.Rotation == 0 && p.Width > 0 {
			checkPictures(t, out, filepath.Join(dir, p.File), tileOf(def, p.Part), *rp.OffsetMS)
		}
	}
}

// checkStems adds the parts' stems up and compares with the dry sum, whose share
// the default reverb lowers.
func checkStems(t *testing.T, dir string, parts int) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.flac"))
	if err != nil || len(files) != parts+2 {
		t.Fatalf("%d stems (%v), want %d parts, dry and wet", len(files), err, parts)
	}
	var sum, dry []float64
	for _, f := range files {
		pcm := leftOf(t, f)
		switch filepath.Base(f) {
		case "dry.flac":
			dry = pcm
		case "wet.flac":
		default:
			if sum == nil {
				sum = make([]float64, len(pcm))
			}
			for i, v := range pcm {
				sum[i] += v
			}
		}
	}
	share := math.Sqrt(1 - definition.Defaults().Reverb.Or(0))
	for i := range len(dry) - int(media.MixRate)/10 { // the very end is faded
		if math.Abs(dry[i]-share*sum[i]) > 1e-5 {
			t.Fatalf("sample %d: dry sum %g, stems add up to %g", i, dry[i], share*sum[i])
		}
	}
}

func leftOf(t *testing.T, file string) []float64 {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	a, err := decode.OpenAudio(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	var pcm []float64
	for {
		b, err := a.Read()
		if errors.Is(err, io.EOF) {
			return pcm
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range b.Channels[0] {
			pcm = append(pcm, float64(v))
		}
	}
}

func definitionOf(t *testing.T, dir string) *definition.Definition {
	t.Helper()
	code, out, errOut := command(t, "plan", dir, "--json", "--size", "960x540", "--no-cache")
	if code != exitOK {
		t.Fatalf("plan: exit %d: %s", code, errOut)
	}
	d, err := definition.Parse([]byte(out))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func tileOf(d *definition.Definition, part string) image.Rectangle {
	in := d.Input(definition.PartID(part))
	s, p := in.Size.Or(definition.Pair{}), in.Position.Or(definition.Pair{})
	return image.Rect(p[0], p[1], p[0]+s[0], p[1]+s[1])
}

func finalFeatures(t *testing.T, file string) *align.Features {
	t.Helper()
	f, err := extract(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// checkVoice finds the part's own sound in the final, where it is "bleed", and
// compares its place with the plan's.
func checkVoice(t *testing.T, final *align.Features, file string, planMS float64) {
	t.Helper()
	f, err := extract(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	r, err := align.Pair(t.Context(), final, f, align.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if r.Method != align.MethodBleed || math.Abs(r.Offset.MS()-planMS) > 1 {
		t.Errorf("%s: heard in the final at offset %.2f ms (%s), plan %.2f", filepath.Base(file), r.Offset.MS(), r.Method, planMS)
	}
}

// label is a run of pictures with one number.
type label struct {
	n          int
	start, end time.Duration
}

// checkPictures reads the number in the part's tile in every picture of the
// final and compares the time at which its source was on.
func checkPictures(t *testing.T, final, source string, tile image.Rectangle, offsetMS float64) {
	t.Helper()
	runs := labelsOf(t, source)
	const tolerance = 20 * time.Millisecond // half an output frame at 25 per second
	read, bad := 0, 0
	eachPicture(t, final, func(f *media.Frame) {
		pt := f.Time + time.Duration(media.OffsetMS(offsetMS))
		if pt < runs[0].start || pt > runs[len(runs)-1].start {
			return // before its first or after its last picture
		}
		n, ok := barcode.Read(f.Planes[0], tile)
		if !ok {
			bad++
			return
		}
		best := time.Hour
		for _, r := range runs {
			if r.n == n {
				best = min(best, max(0, r.start-pt, pt-r.end))
			}
		}
		if best > tolerance+time.Millisecond {
			bad++
			return
		}
		read++
	})
	if read == 0 || bad > read/50 { // a label may be unreadable after two encodes
		t.Errorf("%s: %d pictures in time, %d wrong or unreadable", filepath.Base(source), read, bad)
	}
}

func labelsOf(t *testing.T, file string) []label {
	t.Helper()
	var runs []label
	eachPicture(t, file, func(f *media.Frame) {
		n, ok := barcode.Read(f.Planes[0], image.Rect(0, 0, f.Width(), f.Height()))
		if !ok {
			n = -1
		}
		if k := len(runs); k > 0 {
			runs[k-1].end = f.Time
			if runs[k-1].n == n {
				return
			}
		}
		runs = append(runs, label{n: n, start: f.Time, end: time.Hour})
	})
	if len(runs) < 2 {
		t.Fatalf("%s has no labels", file)
	}
	return runs
}

func eachPicture(t *testing.T, file string, do func(*media.Frame)) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	v, err := decode.OpenVideo(context.Background(), f, decode.VideoOptions{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	for {
		p, err := v.Read()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		do(p)
	}
}

func TestBadPartsDropOut(t *testing.T) {
	dir, tr := choir(t, "--parts", "3", "--seconds", "4", "--tiny")
	prefix := tr.Parts[0].File[:strings.LastIndex(tr.Parts[0].File, "+")+1]
	for name, content := range map[string]string{"zzempty.webm": "", "zztext.mp4": "this is not a film\n"} {
		if err := os.WriteFile(filepath.Join(dir, prefix+name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	_, r := rendered(t, dir, "--size", "320x180", "--no-cache")
	want := map[string]string{"zzempty": "empty file", "zztext": "not a media file"}
	for _, p := range r.Parts {
		reason, bad := want[p.Part]
		if bad != (p.State == "dropped") {
			t.Errorf("part %s is %s", p.Part, p.State)
		}
		if bad && !strings.Contains(strings.Join(p.Warnings, " "), reason) {
			t.Errorf("part %s: warnings %q lack %q", p.Part, p.Warnings, reason)
		}
		delete(want, p.Part)
	}
	if len(want) > 0 || r.Output.Frames == 0 {
		t.Errorf("not in the report: %v; %d frames", want, r.Output.Frames)
	}
}

func TestChangedVolumeKeepsThePictures(t *testing.T) {
	dir, tr := choir(t, "--parts", "3", "--seconds", "4", "--tiny")
	cache := t.TempDir()
	_, first := rendered(t, dir, "--size", "320x180", "--cache", cache)
	before := cells(t, cache)
	setVolume(t, filepath.Join(dir, local.SongFile), tr.Parts[1].Part, 0.25)
	_, second := rendered(t, dir, "--size", "320x180", "--cache", cache)
	after := cells(t, cache)
	if len(before) == 0 || len(after) != len(before) {
		t.Fatalf("%d cells, then %d", len(before), len(after))
	}
	for name, made := range before {
		if !after[name].Equal(made) {
			t.Errorf("%s was made again", name)
		}
	}
	if first.Output.SHA256 == second.Output.SHA256 {
		t.Error("the volume changed nothing")
	}
}

func setVolume(t *testing.T, file, part string, volume float64) {
	t.Helper()
	var song map[string]any
	readJSON(t, file, &song)
	for _, p := range song["parts"].([]any) {
		if doc := p.(map[string]any); doc["partId"] == part {
			doc["volume"] = volume
		}
	}
	b, err := json.Marshal(song)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

// cells are the picture cells in a cache and when they were made.
func cells(t *testing.T, cache string) map[string]time.Time {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(cache, "*", definition.BucketFinalParts, "*.h264"))
	if err != nil {
		t.Fatal(err)
	}
	m := map[string]time.Time{}
	for _, f := range files {
		st, err := os.Stat(f)
		if err != nil {
			t.Fatal(err)
		}
		m[filepath.Base(f)] = st.ModTime()
	}
	return m
}

func TestStockEncoderStacks(t *testing.T) {
	dir, _ := choir(t, "--parts", "4", "--seconds", "4", "--tiny")
	_, r := rendered(t, dir, "--size", "320x256", "--no-cache", "--stock-encoder")
	if r.Output.Stacked == 0 || r.Output.Frames < 90 {
		t.Errorf("stacked %v, %d frames", r.Output.Stacked, r.Output.Frames)
	}
}

// A cell that cannot be joined costs its segment one more encode. What comes out
// decodes to what went in, joined segments and the stacked one alike.
func TestOneCellStacks(t *testing.T) {
	if !encode.StripeMVAvailable() {
		t.Skip("libx264 without stripe-mv: run scripts/x264/build")
	}
	dir, _ := choir(t, "--parts", "4", "--seconds", "12", "--tiny")
	cache := t.TempDir()
	_, r := rendered(t, dir, "--size", "320x256", "--cache", cache, "--verify")
	if r.Output.Stacked != 0 || !r.Output.Verified {
		t.Fatalf("%d segments stacked, verified %t, want 0, true", r.Output.Stacked, r.Output.Verified)
	}
	files, err := filepath.Glob(filepath.Join(cache, "*", definition.BucketFinalParts, "*.h264"))
	if err != nil || len(files) < 4 {
		t.Fatalf("%d cells (%v), want at least 4", len(files), err)
	}
	for _, f := range []string{files[0], files[0] + ".json"} {
		if err := os.Remove(f); err != nil {
			t.Fatal(err)
		}
	}
	_, again := rendered(t, dir, "--size", "320x256", "--cache", cache, "--verify", "--stock-encoder")
	if again.Output.Stacked != 1 || !again.Output.Verified || again.Output.Frames != r.Output.Frames {
		t.Errorf("%d segments stacked, verified %t, %d frames, want 1, true, %d",
			again.Output.Stacked, again.Output.Verified, again.Output.Frames, r.Output.Frames)
	}
}

func TestSameInputSameFinal(t *testing.T) {
	dir, _ := choir(t, "--parts", "3", "--seconds", "4", "--tiny")
	_, a := rendered(t, dir, "--size", "320x180", "--no-cache")
	_, b := rendered(t, dir, "--size", "320x180", "--no-cache", "--slots", "1")
	if a.Output.SHA256 != b.Output.SHA256 {
		t.Errorf("two renders differ: %s, %s", a.Output.SHA256, b.Output.SHA256)
	}
}
