package definition

import (
	"bytes"
	"flag"
	"os"
	"reflect"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

const full = `{"version":1,"choir_id":"c","song_id":"s",
"output":{"size":[1280,720],"fps":"30000/1001","span":"union","reverb":0,"reverb_type":"church","panning":false,"pan_law":"constant-gain","loudness":-14,"true_peak":-2,"balance":"off","look":{"gamma":1.1},"watermark":"","watermark_opacity":0.5,"background":"#fff","background_image":"wall.jpg","fit":"cover","captions":true,"radius":8,"border":2,"border_color":"#010203","fade_ms":0},
"inputs":[{"part_id":"a","part_type":"backing","name":"Ann <&>","size":[640,480],"position":[0,0],"volume":0,"pan":0,"offset":0,"drift_ppm":-12.5,"reverb":0,"cleanup":["gate"],"rotate":270,"crop":[0.25,0,0.5,1],"fit":"contain","caption":false,"radius":0,"border":0,"border_color":"#000000","fade_ms":100},
{"part_id":"b"}]}`

func TestParseReadsEveryField(t *testing.T) {
	d, err := Parse([]byte(full))
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []reflect.Value{reflect.ValueOf(d.Output), reflect.ValueOf(d.Inputs[0])} {
		for i := range v.NumField() {
			if v.Field(i).IsZero() {
				t.Errorf("%s was not read", v.Type().Field(i).Name)
			}
		}
	}
	if v, ok := d.Inputs[0].Volume.Get(); !ok || v != 0 {
		t.Errorf("volume 0 was lost: %v %v", v, ok)
	}
	if _, ok := d.Inputs[1].Volume.Get(); ok {
		t.Error("a volume that was not said is there")
	}
	if p := d.Output.Or(Defaults()).Panning.Or(true); p {
		t.Error("panning false was lost")
	}
	if f := d.Output.FPS.Or(FPS{}); f != (FPS{30000, 1001}) {
		t.Errorf("fps %v", f)
	}
	b, err := Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Parse(b)
	if err != nil || !reflect.DeepEqual(d, again) {
		t.Errorf("round trip: %v\n%s", err, b)
	}
	if !bytes.Contains(b, []byte("Ann <&>")) {
		t.Errorf("characters were escaped: %s", b)
	}
}

func TestParseReportsAllFaults(t *testing.T) {
	_, err := Parse([]byte(`{"version":2,"choir_id":"c+d","extra":1,
		"output":{"size":[1919,8],"fps":0,"reverb":1.5,"panning":"yes","reverb_typ":"hall","loudness":0,"background":"red","fit":"crop"},
		"inputs":[
			{"part_id":"a","size":[100,100],"position":[1900,0],"volume":-1,"pan":2,"offset":"12","rotate":45,"crop":[0.7,0,0.5,0.01],"cleanup":["wash"]},
			{"part_id":"a","position":[0,0],"panning":0.3,"gain":1},
			{"size":[10],"crop":[1,2],"drift_ppm":1e9,"volume":1,"volume":2},
			7]}`))
	if err == nil {
		t.Fatal("was taken")
	}
	text := err.Error()
	for _, want := range []string{
		"version: is 2, want 1",
		`choir_id: id "c+d": holds '+' or '/'`,
		"song_id: missing",
		"extra: unknown field",
		"output.size[0]: 1919 is odd",
		"output.size[1]: 8 is outside 16 to 16384 (px, even)",
		`output.fps: "0" is no frame rate`,
		"output.reverb: 1.5 is outside 0 to 1 (wet share)",
		"output.panning: is a string, want true or false",
		`output.reverb_typ: unknown field, did you mean "reverb_type"?`,
		"output.loudness: 0 is outside -40 to -5 (LUFS)",
		`output.background: "red" is no colour`,
		`output.fit: "crop" is none of "contain", "cover"`,
		"inputs[0].position[0]: 1900 + 100 is outside the canvas, 1919 wide",
		"inputs[0].position[1]: 0 + 100 is outside the canvas, 8 high",
		"inputs[0].volume: -1 is outside 0 to 16 (linear gain)",
		"inputs[0].pan: 2 is outside -1 to 1",
		"inputs[0].offset: is a string, want a number",
		"inputs[0].rotate: 45, want 0, 90, 180 or 270",
		`inputs[0].cleanup[0]: "wash" is none of`,
		`inputs[1].part_id: "a" is already inputs[0]`,
		"inputs[1].size: missing beside position",
		`inputs[1].panning: unknown field: the place of a voice is "pan"`,
		"inputs[1].gain: unknown field: the gain is",
		"inputs[0].crop[0]: 0.7 + 0.5 is outside the picture, 1 wide",
		"inputs[0].crop[3]: 0.01 leaves less than 0.05 of the picture",
		"inputs[2].crop: want a list of four numbers",
		"inputs[2].part_id: missing",
		"inputs[2].size: want a list of two whole numbers",
		"inputs[2].drift_ppm: 1e+09 is outside -5000 to 5000 (ppm)",
		"inputs[2].volume: given twice",
		"inputs[3]: is a number, want an object",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no fault %q", want)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
}

func TestParseRefuses(t *testing.T) {
	ok := `{"version":1,"choir_id":"c","song_id":"s","inputs":[{"part_id":"a"}]}`
	if _, err := Parse([]byte(ok)); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"":                                 "not JSON: line 1: ends in the middle",
		"{\n\"version\":1,\n":              "ends in the middle",
		ok + "{}":                          "more follows",
		"[]":                               "want an object",
		strings.Repeat("[", 100):           "nested deeper",
		strings.Replace(ok, "1", "1.5", 1): "version: 1.5 is not a whole number",
		strings.Replace(ok, `"version":1,`, "", 1):           "version: missing",
		strings.Replace(ok, `[{"part_id":"a"}]`, "[]", 1):    "inputs: 0 inputs",
		strings.Replace(ok, `"a"`, `"a","volume":1e999`, 1):  "inputs[0].volume",
		strings.Replace(ok, `"a"`, `"a","part_type":"x"`, 1): `"x" is none of "backing"`,
		`{"version":1,"choir_id":"c","song_id":"s","inputs":[{"part_id":"a","size":[4,4],"position":[0,0]},{"part_id":"b","size":[4,4],"position":[3,3]}]}`: "inputs[1].position: the tile lies over that of inputs[0]",
		`{"version":1,"choir_id":"c","song_id":"s","inputs":[{"part_id":"a","part_type":"backing"},{"part_id":"b","part_type":"backing"}]}`:                 "inputs[1].part_type: inputs[0] is the backing already",
	} {
		if _, err := Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: %v, want %q", text, err, want)
		}
	}
}

func TestImportOfOldDefinitions(t *testing.T) {
	for _, name := range []string{"lambda", "python"} {
		b, err := os.ReadFile("testdata/old-" + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		d, notes, err := Import(b)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got, err := Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, strings.Join(notes, "\n")...)
		golden := "testdata/old-" + name + ".golden"
		if *update {
			if err := os.WriteFile(golden, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is read as\n%s", name, got)
		}
		if _, err := Parse(b); err == nil {
			t.Errorf("%s: the strict reader took it", name)
		}
		again, _, err := Read(b)
		if err != nil || !reflect.DeepEqual(d, again) {
			t.Errorf("%s: Read: %v", name, err)
		}
	}
}

func TestReadIsStrictWithAVersion(t *testing.T) {
	if _, _, err := Read([]byte(`{"version":1,"choir_id":"c","song_id":"s","inputs":[{"part_id":"a","offet":3}]}`)); err == nil {
		t.Error("a typo was taken")
	}
	if _, _, err := Read([]byte(full)); err != nil {
		t.Error(err)
	}
}

func TestFPS(t *testing.T) {
	for in, want := range map[string]FPS{
		"25": {25, 1}, "29.97": {30000, 1001}, "23.976": {24000, 1001}, "59.94": {60000, 1001}, "12.5": {25, 2},
		"50/2": {25, 1}, "30000/1001": {30000, 1001}, "30": {30, 1}, "24": {24, 1}, "60": {60, 1},
		"24.98": {1249, 50}, "119.88": {120000, 1001}, "600000000000/20000000000": {30, 1},
	} {
		if got, err := ParseFPS(in); err != nil || got != want {
			t.Errorf("%s: %v, %v", in, got, err)
		}
	}
	for _, in := range []string{"", "x", "0", "-1", "1/0", "0/1", "NaN", "Inf", "1e9", "1/2/3", "0.0001", "100000000001/10000000000", "2147483647/85899345", "1/1000000"} {
		if got, err := ParseFPS(in); err == nil {
			t.Errorf("%q: %v", in, got)
		}
	}
}

// A rate that no movie can have is a fault of the definition, however it got there.
func TestValidateFPS(t *testing.T) {
	d := Definition{Version: 1, ChoirID: "c", SongID: "s", Inputs: []Input{{PartID: "a"}}}
	d.Output.FPS = Some(FPS{100000000001, 10000000000})
	if err := d.Validate(); err == nil || !strings.Contains(err.Error(), "output.fps") {
		t.Errorf("%v", err)
	}
}

// FuzzRead: nothing panics, and what is read is written and read again as the same.
func FuzzRead(f *testing.F) {
	f.Add([]byte(full))
	for _, name := range []string{"lambda", "python"} {
		if b, err := os.ReadFile("testdata/old-" + name + ".json"); err == nil {
			f.Add(b)
		}
	}
	f.Add([]byte(`{"inputs":[{"part_id":1,"size":["1e3",2],"position":[-1e9,3.7]}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		ParseSongFile(b)
		ParsePart(b)
		d, _, err := Read(b)
		if err != nil {
			return
		}
		out, err := Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse(out)
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if out2, _ := Marshal(again); !bytes.Equal(out, out2) {
			t.Fatalf("not canonical:\n%s\n%s", out, out2)
		}
	})
}
