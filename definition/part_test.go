package definition

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

func TestParsePartOfTheAPI(t *testing.T) {
	p, err := ParsePart([]byte(`{"pk":"song#s","sk":"#part#p","type":"songpart","partId":"p","songId":"s","choirId":"c","userId":"u","userName":"Glynn",
		"createdOn":"2020-11-02","partName":"alto","partNameId":"pn","partType":"backing","offset":"120","frontendOffset":35,"aspectRadio":"4:3","volume":0,"hidden":true,"audio":false,"surprise":[1]}`))
	if err != nil {
		t.Fatal(err)
	}
	if p.PartID != "p" || p.Offset.Or(0) != 120 || p.AspectRatio != "4:3" || !p.Hidden || p.Audio || p.DisplayName() != "Glynn" {
		t.Errorf("%+v", p)
	}
	if v, ok := p.Volume.Get(); !ok || v != 0 {
		t.Errorf("volume 0 was lost")
	}
	if p.FallbackOffset() != 120 {
		t.Errorf("fallback %g", p.FallbackOffset())
	}
	p.Offset = Some(0.0)
	if p.FallbackOffset() != 35 {
		t.Errorf("fallback %g, want the recorder's", p.FallbackOffset())
	}
	p.OffsetLocked = true
	if p.FallbackOffset() != 0 {
		t.Errorf("fallback %g, want the person's 0", p.FallbackOffset())
	}
}

func TestParseSongFileShapes(t *testing.T) {
	for name, text := range map[string]string{
		"list":          `[{"partId":"a","partType":"backing"},{"partId":"b","volume":0.5,"name":"Bo"}]`,
		"object":        `{"choirId":"c","songId":"s","parts":[{"partId":"a","partType":"backing"},{"part_id":"b","volume":"0.5","name":"Bo"}]}`,
		"by id":         `{"a":{"partType":"backing"},"b":{"volume":0.5,"name":"Bo"}}`,
		"parts by id":   `{"title":"Song","parts":{"a":{"partType":"backing"},"b":{"volume":0.5,"name":"Bo"}},"output":{"reverb":0},"layout":{"margin":0}}`,
		"the API's own": `{"ok":true,"parts":[{"partId":"a","partType":"backing"},{"partId":"b","volume":0.5,"userName":"Bo"}]}`,
	} {
		f, err := ParseSongFile([]byte(text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if len(f.Parts) != 2 || f.Parts[0].PartID != "a" || f.Parts[0].PartType.Or("") != Backing || f.Parts[1].Volume.Or(1) != 0.5 || f.Parts[1].DisplayName() != "Bo" {
			t.Errorf("%s: %+v", name, f.Parts)
		}
	}
	f, err := ParseSongFile([]byte(`{"parts":[],"output":{"reverb":0,"size":[1280,720]},"layout":{"margin":0,"mode":"stretch","center":false}}`))
	if err != nil {
		t.Fatal(err)
	}
	if v, ok := f.Output.Reverb.Get(); !ok || v != 0 || f.Layout.Margin.Or(10) != 0 || f.Layout.Center.Or(true) || f.Layout.Mode.Or("") != "stretch" {
		t.Errorf("%+v", f)
	}
	for text, want := range map[string]string{`"Old Hundredth"`: "Old Hundredth", `100`: "100", `["x"]`: "", `null`: "", `true`: ""} {
		f, err := ParseSongFile([]byte(`{"name":` + text + `,"parts":[]}`))
		if err != nil || f.Name != want {
			t.Errorf("a song's name %s: %v, want %q", text, err, want)
		}
	}
}

// Every spelling is of a field that documents are written with.
func TestPartNames(t *testing.T) {
	written := map[string]bool{}
	for i := range reflect.TypeFor[Part]().NumField() {
		name, _, _ := strings.Cut(reflect.TypeFor[Part]().Field(i).Tag.Get("json"), ",")
		written[name] = true
	}
	names := PartNames()
	for spelling, name := range names {
		if spelling != name && !written[name] {
			t.Errorf("%s is said to be %s, which no document has", spelling, name)
		}
	}
	for name := range written {
		if names[name] != name {
			t.Errorf("%s is said to be %q", name, names[name])
		}
	}
	if names["rotation"] != "rotate" || LayoutNames()["centre"] != "center" {
		t.Errorf("names %v, layout %v", names, LayoutNames())
	}
}

func TestParseSongFileReportsAllFaults(t *testing.T) {
	_, err := ParseSongFile([]byte(`{"parts":[
		{"partId":"a","volum":1,"rotate":45,"partType":"solo"},
		{"partId":"a","offset":"soon","pan":3,"hiden":true,"order":1e9,"crop":[0,0,2,1]},
		{"volume":-1},4],"output":{"reverb":7},"layout":{"mode":"heap"},"speed":2}`))
	if err == nil {
		t.Fatal("was taken")
	}
	for _, want := range []string{
		`parts[0].volum: unknown field, did you mean "volume"?`,
		"parts[0].rotate: 45, want 0, 90, 180 or 270",
		`parts[0].partType: "solo" is none of`,
		`parts[1].offset: "soon" is no number`,
		"parts[1].pan: 3 is outside -1 to 1",
		"parts[1].order: 1000000000 is outside -1000000 to 1000000",
		"parts[1].crop[2]: 2 is outside 0 to 1 (share of the picture)",
		`parts[1].hiden: unknown field, did you mean "hidden"?`,
		`parts[1].partId: "a" is there twice`,
		"parts[2].partId: missing",
		"parts[2].volume: -1 is outside",
		"parts[3]: is a number, want an object",
		"output.reverb: 7 is outside",
		"layout.mode: \"heap\" is none of",
		"speed: unknown field",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no fault %q in\n%v", want, err)
		}
	}
}

func TestResolvePicksTheBacking(t *testing.T) {
	kinds := func(text string, ids ...PartID) string {
		var f *SongFile
		if text != "" {
			var err error
			if f, err = ParseSongFile([]byte(text)); err != nil {
				t.Fatal(err)
			}
		}
		docs, notes := f.Resolve(Song{"c", "s"}, ids)
		var out []string
		for _, d := range docs {
			if d.SongID != "s" || d.ChoirID != "c" {
				t.Errorf("%+v", d)
			}
			out = append(out, fmt.Sprintf("%s=%s", d.PartID, d.PartType.Or("?")))
		}
		return strings.Join(out, " ") + strings.Repeat(" note", len(notes))
	}
	for _, c := range []struct {
		text string
		ids  []PartID
		want string
	}{
		{"", []PartID{"b", "a", "c"}, "b=rendition a=backing c=rendition"},
		{`[{"partId":"c","partType":"backing"}]`, []PartID{"a", "b", "c"}, "a=rendition b=rendition c=backing"},
		{`[{"partId":"a","partType":"rendition"}]`, []PartID{"a", "b", "c"}, "a=rendition b=backing c=rendition"},
		{`[{"partId":"a","partType":"reference"},{"partId":"b","partType":"rendition"}]`, []PartID{"a", "b"}, "a=backing b=rendition note"},
		{`[{"partId":"a","partType":"backing"},{"partId":"b","partType":"backing"}]`, []PartID{"a", "b"}, "a=backing b=rendition note"},
		{`[{"partId":"z","partType":"backing"}]`, []PartID{"a", "b"}, "a=backing b=rendition note"},
		{`[{"partId":"a","offset":120,"offset_locked":true}]`, []PartID{"a", "b"}, "a=backing b=rendition note"},
		{`[{"partId":"b","offset":120,"offset_locked":true}]`, []PartID{"a", "b"}, "a=backing b=rendition"},
		{`[{"partId":"a","offset":0}]`, []PartID{"a", "b"}, "a=backing b=rendition"},
	} {
		if got := kinds(c.text, c.ids...); got != c.want {
			t.Errorf("%s: %s, want %s", c.text, got, c.want)
		}
	}
}

// Settings are read as strictly as song.json, and what is written is read back the same.
func TestParseSettings(t *testing.T) {
	const text = `{"name":"Old Hundredth","output":{"size":[1280,720],"reverb":0.1,"look":{"gamma":1.1},"border_color":"#f4e7c8"},"layout":{"mode":"boxjam","margin":0,"center":true},"auto":false}`
	s, err := ParseSettings([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := json.Marshal(s); err != nil || string(got) != text {
		t.Errorf("%s came back as %s (%v)", text, got, err)
	}
	for bad, want := range map[string]string{
		`[]`: "want an object", `{`: "settings: ", `{"size":[1,2]}`: "size: unknown field", `{"parts":[]}`: "unknown field",
		`{"output":{"size":["1280",720]}}`: "output.size", `{"auto":"no"}`: "auto: is a string", `{"layout":{"margin":201}}`: "layout.margin",
		`{"title":"x"}`: "unknown field", `{"name":5}`: "name: is a number",
	} {
		if _, err := ParseSettings([]byte(bad)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", bad, err, want)
		}
	}
}
