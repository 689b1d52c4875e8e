package definition

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
)

// Parse reads a definition strictly: it must carry the version, know no field that
// we do not, and be valid. All faults are reported at once, joined as by
// errors.Join, each a *Fault with its path.
func Parse(b []byte) (*Definition, error) {
	fs := &faults{}
	v, err := readTree(b, fs)
	if err != nil {
		return nil, fmt.Errorf("definition: %w", err)
	}
	d := readDefinition(v, fs)
	d.validate(fs)
	if err := fs.err(); err != nil {
		return nil, fmt.Errorf("definition: %w", err)
	}
	return d, nil
}

// Read reads a definition that somebody put into the bucket: strictly when it
// carries a version, as an old one when not. Notes say what was mended.
func Read(b []byte) (*Definition, []string, error) {
	v, err := readTree(b, &faults{})
	if err != nil {
		return nil, nil, fmt.Errorf("definition: %w", err)
	}
	if _, ok := v.obj["version"]; ok {
		d, err := Parse(b)
		return d, nil, err
	}
	return Import(b)
}

// Marshal returns the canonical bytes of a definition: one line for the output, one
// per input, fields in the order of the types, what is not said left out.
// Parse(Marshal(d)) equals d, and equal definitions have equal bytes.
func Marshal(d *Definition) ([]byte, error) {
	var b bytes.Buffer
	enc := func(v any) error {
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		if err := e.Encode(v); err != nil {
			return fmt.Errorf("definition: %w", err)
		}
		b.Truncate(b.Len() - 1) // Encode ends the line
		return nil
	}
	fmt.Fprintf(&b, "{\n\"version\":%d,\n\"choir_id\":", d.Version)
	if err := enc(d.ChoirID); err != nil {
		return nil, err
	}
	b.WriteString(",\n\"song_id\":")
	if err := enc(d.SongID); err != nil {
		return nil, err
	}
	b.WriteString(",\n\"output\":")
	if err := enc(d.Output); err != nil {
		return nil, err
	}
	b.WriteString(",\n\"inputs\":[")
	for i := range d.Inputs {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('\n')
		if err := enc(&d.Inputs[i]); err != nil {
			return nil, err
		}
	}
	b.WriteString("\n]\n}\n")
	return b.Bytes(), nil
}

var (
	spans    = []Span{SpanBacking, SpanUnion}
	fits     = []Fit{FitContain, FitCover}
	panLaws  = []PanLaw{ConstantPower, ConstantGain}
	balances = []Balance{BalanceAuto, BalanceOff}
	cleanups = []string{"highpass", "gate", "declick"}
)

// fieldHints help with names that look right.
var fieldHints = map[string]string{
	"panning": `the place of a voice is "pan"`,
	"gain":    `the gain is "volume", linear`,
	"offet":   `did you mean "offset"?`,
}

func readDefinition(v value, fs *faults) *Definition {
	o := fs.open(v)
	d := &Definition{
		Version: o.integer("version").Or(0),
		ChoirID: ChoirID(o.str("choir_id").Or("")),
		SongID:  SongID(o.str("song_id").Or("")),
	}
	if _, ok := o.obj["version"]; !ok && !fs.tolerant {
		fs.add("version", "missing, want %d", Version)
	}
	if out, ok := o.get("output"); ok {
		d.Output = readOutput(fs.open(out))
	}
	if in, ok := o.get("inputs"); ok {
		if in.kind != 'a' {
			fs.add(in.path, "is %s, want a list", kindNames[in.kind])
		}
		for _, e := range in.arr {
			d.Inputs = append(d.Inputs, readInput(fs.open(e)))
		}
	}
	o.done(nil)
	return d
}

func readOutput(o *object) Output {
	size, _ := o.pair("size")
	out := Output{
		Size: size, FPS: readFPS(o),
		Span:   oneOf(o, spans, "span"),
		Reverb: o.number("reverb"), ReverbType: o.str("reverb_type"),
		Panning: o.boolean("panning"), PanLaw: oneOf(o, panLaws, "pan_law"),
		Loudness: o.number("loudness"), TruePeak: o.number("true_peak"),
		Balance:   oneOf(o, balances, "balance"),
		Look:      o.numbers("look"),
		Watermark: o.str("watermark"), WatermarkOpacity: o.number("watermark_opacity"),
		Background: text(o, ParseRGB, "background"), BackgroundImage: o.str("background_image"),
		Fit: oneOf(o, fits, "fit"), Captions: o.boolean("captions"),
		Radius: o.integer("radius"), Border: o.integer("border"),
		BorderColor: text(o, ParseRGB, "border_color"), FadeMS: o.number("fade_ms"),
	}
	o.done(nil)
	return out
}

func readFPS(o *object) Optional[FPS] {
	v, ok := o.get("fps")
	if !ok {
		return Optional[FPS]{}
	}
	if v.kind != 'n' && v.kind != 's' {
		o.fs.add(v.path, "is %s, want a number or a fraction in a string", kindNames[v.kind])
		return Optional[FPS]{}
	}
	f, err := ParseFPS(v.str)
	if err != nil {
		o.fs.add(v.path, "%v", err)
		return Optional[FPS]{}
	}
	return Some(f)
}

func readInput(o *object) Input {
	in := Input{
		PartID:   PartID(o.str("part_id").Or("")),
		PartType: oneOf(o, Kinds(), "part_type"),
		Name:     o.str("name").Or(""),
		Volume:   o.number("volume"), Pan: o.number("pan"),
		Offset: o.number("offset"), DriftPPM: o.number("drift_ppm"),
		Reverb: o.number("reverb"), Cleanup: o.strings("cleanup"),
		Rotate: o.integer("rotate"), Crop: o.crop("crop"), Fit: oneOf(o, fits, "fit"),
		Caption: o.boolean("caption"), Radius: o.integer("radius"), Border: o.integer("border"),
		BorderColor: text(o, ParseRGB, "border_color"), FadeMS: o.number("fade_ms"),
	}
	size, sf := o.pair("size")
	pos, pf := o.pair("position")
	if o.fs.tolerant {
		size, pos = snap(o, size, pos, sf, pf)
		in.Offset = in.Offset.OrElse(o.number("offet"))
		in.Pan = in.Pan.OrElse(o.number("panning"))
	}
	in.Size, in.Position = size, pos
	if slices.Contains(in.Cleanup, "") {
		o.fs.add(o.path+".cleanup", `"" is none of %s`, quoted(cleanups))
	}
	o.done(fieldHints)
	return in
}
