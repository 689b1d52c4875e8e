package plan

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/choirless/render/definition"
)

// keys returns the keys of a plan's pictures by stripe and segment, and of its sounds.
func keys(p *Plan) (pictures, sounds map[string]string) {
	pictures, sounds = map[string]string{}, map[string]string{}
	for _, a := range p.Assignments(0) {
		if a.Kind == KindSound {
			sounds[fmt.Sprint(a.Sound.Stripe)] = a.Key
		} else {
			pictures[fmt.Sprintf("%d/%d", a.Picture.Stripe, a.Picture.Segment.Index)] = a.Key
		}
	}
	return pictures, sounds
}

// differ returns the places whose keys differ, sorted.
func differ(a, b map[string]string) []string {
	var out []string
	for k := range a {
		if a[k] != b[k] {
			out = append(out, k)
		}
	}
	for k := range b {
		if _, ok := a[k]; !ok {
			out = append(out, k)
		}
	}
	slices.Sort(out)
	return out
}

func TestOnlyWhatChangedHasAnotherKey(t *testing.T) {
	parts, known := choir(9)
	_, first := mustPlan(t, parts, AutoOptions{}, Options{Parts: known})
	victim := first.Stripes[1].Tiles[0].Part
	// Its picture ends before the song: there its placeholder is seen.
	endEarly := func(parts map[definition.PartID]Part) {
		v := *parts[victim].Facts.Video
		v.End -= 5 * time.Second
		part := parts[victim]
		part.Facts.Video = &v
		parts[victim] = part
	}
	endEarly(known)
	base, basePlan := mustPlan(t, parts, AutoOptions{}, Options{Parts: known, Run: "one"})
	basePictures, baseSounds := keys(basePlan)
	inRow := func(k string) bool { return strings.HasPrefix(k, "1/") }
	all := func(string) bool { return true }
	none := func(string) bool { return false }
	row := func(k string) bool { return k == "1" }
	last := fmt.Sprintf("/%d", len(basePlan.Segments)-1)
	for name, c := range map[string]struct {
		change   func(d *definition.Definition, o *Options)
		pictures func(string) bool
		sounds   func(string) bool
	}{
		"another run": {func(d *definition.Definition, o *Options) { o.Run = "two" }, none, none},
		"gain":        {func(d *definition.Definition, o *Options) { d.Input(victim).Volume = definition.Some(0.5) }, none, row},
		"pan":         {func(d *definition.Definition, o *Options) { d.Input(victim).Pan = definition.Some(0.125) }, none, row},
		"send":        {func(d *definition.Definition, o *Options) { d.Input(victim).Reverb = definition.Some(0.0) }, none, row},
		"balance":     {func(d *definition.Definition, o *Options) { o.Gains = map[definition.PartID]float64{victim: 0.7} }, none, row},
		"reverb":      {func(d *definition.Definition, o *Options) { d.Output.Reverb = definition.Some(0.4) }, none, none},
		"loudness":    {func(d *definition.Definition, o *Options) { d.Output.Loudness = definition.Some(-14.0) }, none, none},
		"name":        {func(d *definition.Definition, o *Options) { d.Input(victim).Name = "X" }, inRow, none},
		"offset":      {func(d *definition.Definition, o *Options) { d.Input(victim).Offset = definition.Some(17.0) }, inRow, row},
		"background": {func(d *definition.Definition, o *Options) {
			d.Output.Background = definition.Some(definition.RGB{1, 2, 3})
		}, all, none},
		"fit": {func(d *definition.Definition, o *Options) { d.Input(victim).Rotate = definition.Some(180) }, inRow, none},
		"crop": {func(d *definition.Definition, o *Options) {
			d.Input(victim).Crop = definition.Some(definition.Crop{0, 0, 0.5, 0.5})
		}, inRow, none},
		"recording": {func(d *definition.Definition, o *Options) {
			p := o.Parts[victim]
			p.SHA256 = "new"
			o.Parts[victim] = p
		}, inRow, row},
		"moved in the bucket": {func(d *definition.Definition, o *Options) {
			p := o.Parts[victim]
			p.Converted.Key = "elsewhere"
			o.Parts[victim] = p
		}, none, none},
		"watermark": {func(d *definition.Definition, o *Options) {
			d.Output.Watermark = definition.Some("w.png")
			o.Watermark = &Image{SHA256: "1", Width: 200, Height: 60}
		}, func(k string) bool { return strings.HasPrefix(k, fmt.Sprint(len(basePlan.Stripes)-1)+"/") }, none},
		"background image": {func(d *definition.Definition, o *Options) {
			d.Output.BackgroundImage = definition.Some("wall.jpg")
			o.BackgroundImage = &Image{SHA256: "1", Width: 300, Height: 200}
		}, all, none},
		"captions": {func(d *definition.Definition, o *Options) { d.Output.Captions = definition.Some(true) }, all, none},
		"renderer": {func(d *definition.Definition, o *Options) { o.Version = "next" }, all, all},
	} {
		b, _ := definition.Marshal(base)
		d, err := definition.Parse(b)
		if err != nil {
			t.Fatal(err)
		}
		_, fresh := choir(9)
		endEarly(fresh)
		o := Options{Parts: fresh, Run: "one"}
		c.change(d, &o)
		p, err := New(d, o)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		pictures, sounds := keys(p)
		for _, k := range differ(basePictures, pictures) {
			if !c.pictures(k) {
				t.Errorf("%s: cell %s has another key", name, k)
			}
		}
		for _, k := range differ(baseSounds, sounds) {
			if !c.sounds(k) {
				t.Errorf("%s: sound %s has another key", name, k)
			}
		}
		for k := range basePictures {
			// A name is seen where the part is not: at its ends.
			if c.pictures(k) && pictures[k] == basePictures[k] && (name != "name" || strings.HasSuffix(k, last)) {
				t.Errorf("%s: cell %s has the same key", name, k)
			}
		}
		for k := range baseSounds {
			if c.sounds(k) && sounds[k] == baseSounds[k] {
				t.Errorf("%s: sound %s has the same key", name, k)
			}
		}
	}
}

func TestNameIsNotAskedForInTheMiddle(t *testing.T) {
	parts, known := choir(4)
	d, p := mustPlan(t, parts, AutoOptions{}, Options{Parts: known, Segment: 4 * time.Second})
	before, _ := keys(p)
	for i := range d.Inputs {
		d.Inputs[i].Name += "!"
	}
	p, err := New(d, Options{Parts: known, Segment: 4 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	after, _ := keys(p)
	changed := differ(before, after)
	if len(changed) == 0 || len(changed) > 2*2*len(p.Stripes) {
		t.Errorf("names changed %v of %d cells, want those at the ends", changed, len(before))
	}
}

func TestStackNamesItsStripes(t *testing.T) {
	parts, known := choir(9)
	_, p := mustPlan(t, parts, AutoOptions{}, Options{Parts: known})
	a := p.Stack(1)
	if a.Kind != KindStack || len(a.Stack.Stripes) != len(p.Stripes) || a.Stack.Segment != p.Segments[1] {
		t.Fatalf("%+v", a.Stack)
	}
	for i, s := range a.Stack.Stripes {
		if want := p.Picture(i, 1).Picture.Out; s.Source != want || s.Height != p.Stripes[i].Height {
			t.Errorf("stripe %d: %+v, want %v", i, s, want)
		}
		if _, err := definition.ParseCellKey(s.Source.Key); err != nil {
			t.Error(err)
		}
	}
	if a.Key == p.Stack(0).Key {
		t.Error("two segments have one key")
	}
}

// Whether the song goes on after a segment is for who may go on with its decoders: a
// song that grows keeps its cells.
func TestLastSegmentHasNoOtherKey(t *testing.T) {
	parts, known := choir(2)
	_, p := mustPlan(t, parts, AutoOptions{}, Options{Parts: known, Segment: 12520 * time.Millisecond})
	end := len(p.Segments) - 1
	picture, stack := p.Picture(0, end), p.Stack(end)
	if !picture.Picture.Segment.Last || !stack.Stack.Segment.Last {
		t.Fatal("the last segment does not say so")
	}
	p.Segments[end].Last = false
	if p.Picture(0, end).Key != picture.Key || p.Stack(end).Key != stack.Key {
		t.Error("it has another key than one that is followed by another")
	}
}

func TestIngestKey(t *testing.T) {
	raw := definition.RawKey{Song: song, Part: "p", Ext: "webm"}
	a := NewIngest(raw, "etag1", 0)
	if a.Ingest.ETag != "etag1" || a.Ingest.Snapshot.Key != "choir+song+p.webm.jpg" {
		t.Errorf("%+v", a.Ingest)
	}
	if a.Key != NewIngest(raw, "etag1", 0).Key || a.Key == NewIngest(raw, "etag2", 0).Key || a.Key == NewIngest(raw, "etag1", 90).Key {
		t.Error("the key does not follow content and rotation")
	}
}

// A row that only moves up or down, as when another is added above, keeps its cells.
func TestARowThatMovesKeepsItsCells(t *testing.T) {
	parts, known := choir(9)
	_, p := mustPlan(t, parts, AutoOptions{}, Options{Parts: known})
	before, _ := keys(p)
	for i := range p.Stripes {
		p.Stripes[i].Y += 64
	}
	after, _ := keys(p)
	if d := differ(before, after); len(before) == 0 || len(d) != 0 {
		t.Errorf("of %d cells %v have another key", len(before), d)
	}
}

// Cells come in the order of time for all stripes, or for some stripes after others.
func TestOrderOfAssignments(t *testing.T) {
	parts, known := choir(16)
	_, p := mustPlan(t, parts, AutoOptions{}, Options{Parts: known, Segment: 12520 * time.Millisecond})
	if len(p.Stripes) != 4 || len(p.Segments) != 2 {
		t.Fatalf("%d stripes, %d segments", len(p.Stripes), len(p.Segments))
	}
	for abreast, want := range map[int]string{
		0: "00 10 20 30 01 11 21 31 ",
		1: "00 01 10 11 20 21 30 31 ",
		2: "00 10 01 11 20 30 21 31 ",
		3: "00 10 20 01 11 21 30 31 ",
		9: "00 10 20 30 01 11 21 31 ",
	} {
		got := ""
		for _, a := range p.Assignments(abreast) {
			if a.Picture != nil {
				got += fmt.Sprintf("%d%d ", a.Picture.Stripe, a.Picture.Segment.Index)
			}
		}
		if got != want {
			t.Errorf("%d abreast: %s, want %s", abreast, got, want)
		}
	}
}
