package plan

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/choirless/render/definition"
	"github.com/choirless/render/media"
)

var update = flag.Bool("update", false, "write the golden files anew")

var song = definition.Song{Choir: "choir", Song: "song"}

// facts of a part with picture and sound of the given length.
func facts(w, h int, length time.Duration) media.Facts {
	return media.Facts{
		Container: "matroska,webm", Duration: length,
		Video: &media.VideoFacts{Codec: "vp8", Width: w, Height: h, FPS: 25, End: length},
		Audio: &media.AudioFacts{Codec: "opus", Rate: 48000, Channels: 1, End: length},
	}
}

// choir is n parts of a song of 25 s; the first by id is the backing.
func choir(n int) ([]SongPart, map[definition.PartID]Part) {
	sizes := [][2]int{{640, 480}, {1280, 720}, {480, 640}, {640, 360}}
	var file *definition.SongFile
	var ids []definition.PartID
	for i := range n {
		ids = append(ids, definition.PartID(fmt.Sprintf("%03dpart%x", i, i*i*2654435761%65536)))
	}
	docs, _ := file.Resolve(song, ids)
	known := map[definition.PartID]Part{}
	var parts []SongPart
	for i, d := range docs {
		s := sizes[i*i%len(sizes)]
		f := facts(s[0], s[1], 25*time.Second+time.Duration(i)*40*time.Millisecond)
		d.UserName = fmt.Sprintf("Singer %d", i)
		p := SongPart{Doc: d, Facts: &f}
		if i > 0 {
			p.Offset = media.OffsetMS(float64(i%7)*97.25 - 200)
		}
		parts = append(parts, p)
		known[d.PartID] = Part{
			Facts: f, SHA256: fmt.Sprintf("%064x", i),
			Converted: Ref{definition.BucketConverted, definition.ConvertedKey(song, d.PartID, fmt.Sprintf("%064x", i))},
		}
	}
	return parts, known
}

func mustPlan(t *testing.T, parts []SongPart, ao AutoOptions, o Options) (*definition.Definition, *Plan) {
	t.Helper()
	d, _, err := FromSong(song, parts, ao)
	if err != nil {
		t.Fatal(err)
	}
	p, err := New(d, o)
	if err != nil {
		t.Fatal(err)
	}
	return d, p
}

// checkPlan checks what every plan promises.
func checkPlan(t *testing.T, name string, p *Plan) {
	t.Helper()
	y, seen := 0, map[definition.PartID]bool{}
	for i, s := range p.Stripes {
		if s.Index != i || s.Y != y || s.Y%16 != 0 || s.Height <= 0 || s.Height%2 != 0 {
			t.Fatalf("%s: stripe %d is %d+%d", name, i, s.Y, s.Height)
		}
		y += s.Height
		for _, tile := range s.Tiles {
			if seen[tile.Part] {
				t.Fatalf("%s: part %q is seen twice", name, tile.Part)
			}
			seen[tile.Part] = true
			if tile.X < 0 || tile.Y < 0 || tile.X+tile.W > p.Width || tile.Y+tile.H > s.Height {
				t.Fatalf("%s: stripe %d: tile %+v sticks out", name, i, tile)
			}
		}
	}
	if y != p.Height {
		t.Fatalf("%s: stripes cover %d of %d", name, y, p.Height)
	}
	first := 0
	for i, s := range p.Segments {
		if s.Index != i || s.First != first || s.Count <= 0 {
			t.Fatalf("%s: segment %+v", name, s)
		}
		first += s.Count
	}
	if first != p.Frames {
		t.Fatalf("%s: segments hold %d of %d frames", name, first, p.Frames)
	}
	keys := map[string]bool{}
	for _, a := range p.Assignments(0) {
		if keys[a.Key] {
			t.Fatalf("%s: key %s twice", name, a.Key)
		}
		keys[a.Key] = true
	}
	if want := len(p.Sounds) + len(p.Stripes)*len(p.Segments); len(keys) != want {
		t.Fatalf("%s: %d assignments, want %d", name, len(keys), want)
	}
}

func TestPlansOfAllCounts(t *testing.T) {
	plans := 0
	for _, size := range []definition.Pair{{1920, 1080}, {1080, 1920}, {1080, 1080}} {
		for n := 1; n <= 144; n++ {
			parts, known := choir(n)
			name := fmt.Sprintf("%d parts on %v", n, size)
			_, p := mustPlan(t, parts, AutoOptions{Output: definition.Output{Size: definition.Some(size)}}, Options{Parts: known})
			checkPlan(t, name, p)
			tiles, voices := 0, 0
			for _, s := range p.Stripes {
				tiles += len(s.Tiles)
			}
			for _, s := range p.Sounds {
				voices += len(s.Voices)
			}
			if tiles != n || voices != n || p.Frames != 625 {
				t.Fatalf("%s: %d tiles, %d voices, %d frames", name, tiles, voices, p.Frames)
			}
			plans++
		}
	}
	if plans != 432 {
		t.Errorf("%d plans", plans)
	}
}

func TestPlanGolden(t *testing.T) {
	parts, known := choir(9)
	parts[4].Doc.Hidden = true
	parts[5].Doc.Volume = definition.Some(0.0)
	parts[6].Doc.Rotate = definition.Some(90)
	parts[7].Facts = nil
	parts[7].Rejected = "empty file"
	parts[8].Facts.Video = nil
	d, p := mustPlan(t, parts, AutoOptions{Output: definition.Output{Watermark: definition.Some("mark.png"), Captions: definition.Some(true)}},
		Options{Parts: known, Run: "run1", Version: "test", Watermark: &Image{Ref: Ref{definition.BucketMisc, "mark.png"}, SHA256: "aa", Width: 260, Height: 64}})
	golden(t, "testdata/definition.json", func() ([]byte, error) { return definition.Marshal(d) })
	golden(t, "testdata/plan.json", func() ([]byte, error) {
		b, err := json.MarshalIndent(struct {
			*Plan
			Assignments []Assignment
		}{p, p.Assignments(0)[:4]}, "", " ")
		return append(b, '\n'), err
	})
}

func golden(t *testing.T, path string, get func() ([]byte, error)) {
	t.Helper()
	got, err := get()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what is made now (-update writes it):\n%s", path, got)
	}
}

func TestPlanIsDeterministic(t *testing.T) {
	var first []byte
	for range 5 {
		parts, known := choir(40)
		slices.Reverse(parts) // the order parts are given in says nothing
		_, p := mustPlan(t, parts, AutoOptions{}, Options{Parts: known, Gains: map[definition.PartID]float64{parts[1].Doc.PartID: 0.5, parts[2].Doc.PartID: 2}})
		b, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = b
		}
		if !bytes.Equal(first, b) {
			t.Fatal("two plans of the same song differ")
		}
	}
}

func TestSpan(t *testing.T) {
	parts, known := choir(3)
	parts[1].Offset = media.OffsetMS(1500)  // begins 1.5 s before the backing's file
	parts[2].Offset = media.OffsetMS(-4000) // 4 s after
	_, p := mustPlan(t, parts, AutoOptions{}, Options{Parts: known})
	if p.Frames != 625 || p.Start != 0 || p.Samples != 25*48000 {
		t.Errorf("backing: %d frames from %v, %d samples", p.Frames, time.Duration(p.Start), p.Samples)
	}
	_, p = mustPlan(t, parts, AutoOptions{Output: definition.Output{Span: definition.Some(definition.SpanUnion)}}, Options{Parts: known})
	// From -1.5 s to 4 + 25.08 s.
	if p.Frames != 765 || p.Start != media.OffsetMS(-1500) {
		t.Errorf("union: %d frames from %v", p.Frames, time.Duration(p.Start))
	}
	for _, s := range p.Sounds {
		for _, v := range s.Voices {
			want := map[definition.PartID]float64{parts[0].Doc.PartID: -1500, parts[1].Doc.PartID: 0, parts[2].Doc.PartID: -5500}[v.Part]
			if v.Offset.MS() != want {
				t.Errorf("union: part %q has offset %g, want %g", v.Part, v.Offset.MS(), want)
			}
		}
	}
}

func TestSegments(t *testing.T) {
	parts, known := choir(1)
	for _, c := range []struct {
		length time.Duration
		o      Options
		want   string
	}{
		{25 * time.Second, Options{}, "[{0 0 250 false} {1 250 250 false} {2 500 125 true}]"},
		{21 * time.Second, Options{}, "[{0 0 250 false} {1 250 275 true}]"},
		{40 * time.Millisecond, Options{}, "[{0 0 1 true}]"},
		{25 * time.Second, Options{Segment: time.Minute}, "[{0 0 625 true}]"},
		{25 * time.Second, Options{Segment: 6280 * time.Millisecond}, "[{0 0 157 false} {1 157 157 false} {2 314 157 false} {3 471 154 true}]"},
		{25 * time.Second, Options{Segment: 5 * time.Second}, "[{0 0 125 false} {1 125 125 false} {2 250 125 false} {3 375 125 false} {4 500 125 true}]"},
		{120 * time.Millisecond, Options{Segment: time.Millisecond}, "[{0 0 1 false} {1 1 1 false} {2 2 1 true}]"}, // not shorter than a frame
	} {
		f := facts(640, 480, c.length)
		parts[0].Facts = &f
		c.o.Parts = map[definition.PartID]Part{parts[0].Doc.PartID: {Facts: f}}
		_, p := mustPlan(t, parts, AutoOptions{}, c.o)
		if got := fmt.Sprint(p.Segments); got != c.want {
			t.Errorf("%v %+v: %s, want %s", c.length, c.o, got, c.want)
		}
	}
	_ = known
}

func TestDroppedParts(t *testing.T) {
	parts, known := choir(4)
	parts[2].Facts, parts[2].Rejected = nil, "not a media file"
	d, warnings, err := FromSong(song, parts, AutoOptions{})
	if err != nil || len(d.Inputs) != 3 {
		t.Fatalf("%d inputs, %v", len(d.Inputs), err)
	}
	if len(warnings) != 1 || warnings[0].Part != parts[2].Doc.PartID || warnings[0].Text != "dropped: not a media file" {
		t.Errorf("warnings %v", warnings)
	}
	// The backing goes too: time 0 stays, the rest says how long the song is.
	delete(known, parts[0].Doc.PartID)
	known[parts[1].Doc.PartID] = Part{Rejected: "truncated"}
	p, err := New(d, Options{Parts: known})
	if err != nil {
		t.Fatal(err)
	}
	if p.Backing != "" || len(p.Warnings) != 3 {
		t.Errorf("backing %q, warnings %v", p.Backing, p.Warnings)
	}
	if want := p.Rate.Frames(parts[3].Facts.Duration - time.Duration(parts[3].Offset)); p.Frames != want {
		t.Errorf("%d frames, want %d", p.Frames, want)
	}
	_, err = New(d, Options{})
	var none *NoPartsError
	if !errors.As(err, &none) || !strings.Contains(err.Error(), string(parts[3].Doc.PartID)) {
		t.Errorf("no part left: %v", err)
	}
	if _, _, err := FromSong(song, nil, AutoOptions{}); !errors.As(err, &none) {
		t.Errorf("no part at all: %v", err)
	}
}

func TestHiddenAndAudioOnlySoundInRowMinusOne(t *testing.T) {
	parts, known := choir(5)
	parts[1].Doc.Hidden = true
	parts[2].Doc.Audio = true
	parts[3].Facts.Video = nil
	mute := known[parts[4].Doc.PartID]
	mute.Facts.Audio = nil
	known[parts[4].Doc.PartID] = mute
	_, p := mustPlan(t, parts, AutoOptions{}, Options{Parts: known})
	var got []definition.PartID
	for _, s := range p.Sounds {
		if s.Stripe == -1 {
			for _, v := range s.Voices {
				got = append(got, v.Part)
				if v.Pan != 0 {
					t.Errorf("part %q is panned %g", v.Part, v.Pan)
				}
			}
		}
	}
	want := []definition.PartID{parts[1].Doc.PartID, parts[2].Doc.PartID, parts[3].Doc.PartID}
	if !slices.Equal(got, want) {
		t.Errorf("row -1 has %v, want %v", got, want)
	}
	if len(p.Stripes) != 1 || len(p.Stripes[0].Tiles) != 2 || len(p.Sounds) != 2 {
		t.Errorf("%d stripes, %d sounds", len(p.Stripes), len(p.Sounds))
	}
}

func TestSongWithoutPictures(t *testing.T) {
	parts, known := choir(3)
	for i := range parts {
		parts[i].Facts.Video = nil
	}
	_, p := mustPlan(t, parts, AutoOptions{}, Options{Parts: known})
	checkPlan(t, "no picture", p)
	if len(p.Stripes) != 1 || p.Stripes[0].Height != 1080 || len(p.Sounds) != 1 || p.Sounds[0].Stripe != -1 {
		t.Errorf("%+v", p.Stripes)
	}
}

func TestStripesOfAForeignDefinition(t *testing.T) {
	// boxjam's rows of issue: 347 high, 10 apart: 9..356, 366..713, 723..1070. A border
	// fits at 368 (no: 366 < 368) and 720, so the first two rows share a stripe.
	old := `{"choir_id":"choir","song_id":"song","output":{"size":[1920,1080],"reverb":"0.1"},"inputs":[
		{"part_id":"a","size":[614,347],"position":[29,9],"volume":1.0,"pan":-0.5,"offset":"120"},
		{"part_id":"b","size":[614,347],"position":[29,366],"volume":1.0,"pan":-0.5,"offset":-20},
		{"part_id":"c","size":[614,347],"position":[29,723.5],"volume":1.0,"pan":-0.5,"offet":3}]}`
	d, _, err := definition.Import([]byte(old))
	if err != nil {
		t.Fatal(err)
	}
	known := map[definition.PartID]Part{}
	for _, id := range []definition.PartID{"a", "b", "c"} {
		known[id] = Part{Facts: facts(1280, 720, 10*time.Second)}
	}
	p, err := New(d, Options{Parts: known})
	if err != nil {
		t.Fatal(err)
	}
	checkPlan(t, "old", p)
	if len(p.Stripes) != 2 || p.Stripes[1].Y != 720 || len(p.Stripes[0].Tiles) != 2 {
		t.Errorf("%+v", p.Stripes)
	}
	if tile := p.Stripes[1].Tiles[0]; tile.Y != 4 || tile.H != 346 || tile.X != 30 || tile.W != 612 || tile.Offset.MS() != 3 {
		t.Errorf("tile %+v", tile)
	}
	if p.Backing != "a" {
		t.Errorf("backing %q", p.Backing)
	}
}

func TestWatermarkIsSharedByStripes(t *testing.T) {
	parts, known := choir(40)
	out := definition.Output{Watermark: definition.Some("w.png"), WatermarkOpacity: definition.Some(0.5)}
	_, p := mustPlan(t, parts, AutoOptions{Output: out}, Options{Parts: known, Watermark: &Image{Width: 400, Height: 300}})
	touched := 0
	for _, s := range p.Stripes {
		for _, o := range s.Overlays {
			touched++
			if o.Y+s.Y != 1080-300-20 || o.X != 1920-400-20 || o.Opacity != 0.5 {
				t.Errorf("stripe %d: overlay %+v", s.Index, o)
			}
			if o.Y+o.H <= 0 || o.Y >= s.Height {
				t.Errorf("stripe %d: overlay %+v is outside", s.Index, o)
			}
		}
	}
	if touched < 2 {
		t.Errorf("the watermark touches %d stripes", touched)
	}
}

func TestPlanRefusesBadGains(t *testing.T) {
	parts, known := choir(2)
	d, _, _ := FromSong(song, parts, AutoOptions{})
	if _, err := New(d, Options{Parts: known, Gains: map[definition.PartID]float64{parts[0].Doc.PartID: -1}}); err == nil {
		t.Error("a negative gain was taken")
	}
}

// TestBackdropCoversTheCanvas: the image has its own shape, covers the canvas
// evenly, and lies at one place whatever stripe looks at it.
func TestBackdropCoversTheCanvas(t *testing.T) {
	parts, known := choir(9)
	out := definition.Output{BackgroundImage: definition.Some("wall.jpg")}
	_, p := mustPlan(t, parts, AutoOptions{Output: out}, Options{Parts: known, BackgroundImage: &Image{Width: 400, Height: 300}})
	if len(p.Stripes) < 2 {
		t.Fatalf("%d stripes", len(p.Stripes))
	}
	for _, s := range p.Stripes {
		b := s.Backdrop
		if b == nil {
			t.Fatalf("stripe %d has no backdrop", s.Index)
		}
		if b.W != 1920 || b.H != 1440 || b.X != 0 || b.Y+s.Y != (1080-1440)/2 || b.Opacity != 1 {
			t.Errorf("stripe %d at row %d: %+v", s.Index, s.Y, *b)
		}
	}
	_, p = mustPlan(t, parts, AutoOptions{Output: out}, Options{Parts: known})
	if p.Stripes[0].Backdrop != nil || !slices.ContainsFunc(p.Warnings, func(w PartWarning) bool { return strings.Contains(w.Text, `"wall.jpg"`) }) {
		t.Errorf("an image that is not there: %+v, warnings %v", p.Stripes[0].Backdrop, p.Warnings)
	}
}

// TestWhenThePlaceholderComes: a picture that ends just before the song stays; a
// film known to stand still has its placeholder, whose name is part of the key;
// slides have none.
func TestWhenThePlaceholderComes(t *testing.T) {
	parts, known := choir(4)
	victim := parts[1].Doc.PartID
	tile := func(change func(v *media.VideoFacts)) PictureTile {
		all := maps.Clone(known)
		part := all[victim]
		v := *part.Facts.Video
		change(&v)
		part.Facts.Video = &v
		all[victim] = part
		_, p := mustPlan(t, parts, AutoOptions{}, Options{Parts: all})
		for _, s := range p.Stripes {
			for _, tl := range s.Tiles {
				if tl.Part == victim {
					return tl
				}
			}
		}
		t.Fatal("no tile")
		return PictureTile{}
	}
	song := known[parts[0].Doc.PartID].Facts.Duration
	offset := time.Duration(tile(func(*media.VideoFacts) {}).Offset)
	for name, c := range map[string]struct {
		change func(v *media.VideoFacts)
		end    bool
		freeze bool
		gaps   bool
	}{
		"ends a second early": {func(v *media.VideoFacts) { v.End = song + offset - time.Second; v.FPS = 25 }, false, true, false},
		"ends early":          {func(v *media.VideoFacts) { v.End = song + offset - 3*time.Second; v.FPS = 25 }, true, true, false},
		"stands still":        {func(v *media.VideoFacts) { v.FPS, v.Standstill = 25, 10*time.Second }, false, true, true},
		"slides":              {func(v *media.VideoFacts) { v.FPS, v.Standstill = 0.2, 10*time.Second }, false, false, false},
	} {
		got := tile(func(v *media.VideoFacts) { v.End = song + offset; c.change(v) })
		if (got.End > 0) != c.end || (got.FreezeAfter > 0) != c.freeze || got.Gaps != c.gaps {
			t.Errorf("%s: end %v, freezes after %v, gaps %v", name, got.End, got.FreezeAfter, got.Gaps)
		}
	}
}

// TestOneStripeForOtherEncoders: only x264 keeps motion inside a stripe.
func TestOneStripeForOtherEncoders(t *testing.T) {
	parts, known := choir(9)
	d, p := mustPlan(t, parts, AutoOptions{}, Options{Parts: known, Encoder: Encoder{Codec: "nvenc"}})
	if len(p.Stripes) != 1 || p.Stripes[0].Height != p.Height || len(p.Stripes[0].Tiles) != 9 {
		t.Errorf("%d stripes, the first %d high with %d tiles", len(p.Stripes), p.Stripes[0].Height, len(p.Stripes[0].Tiles))
	}
	q, err := New(d, Options{Parts: known})
	if err != nil {
		t.Fatal(err)
	}
	if len(q.Stripes) < 2 || q.Picture(0, 0).Key == p.Picture(0, 0).Key {
		t.Errorf("%d stripes for x264, or the same keys", len(q.Stripes))
	}
}
