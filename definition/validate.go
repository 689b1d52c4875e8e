package definition

import (
	"fmt"
	"slices"
)

// Bound is the range a number may have, both ends included, and its unit.
type Bound struct {
	Lo, Hi float64
	Unit   string
}

// Bounds returns the range of every numeric field by its path, inputs[] standing
// for any input. The JSON schema and the documentation are checked against it.
func Bounds() map[string]Bound {
	return map[string]Bound{
		"output.size":              {16, 16384, "px, even"},
		"output.fps":               {1, 120, "frames per second"},
		"output.reverb":            {0, 1, "wet share"},
		"output.loudness":          {-40, -5, "LUFS"},
		"output.true_peak":         {-20, 0, "dBTP"},
		"output.watermark_opacity": {0, 1, "opacity"},
		"output.radius":            {0, 1000, "px"},
		"output.border":            {0, 200, "px"},
		"output.fade_ms":           {0, 10000, "ms"},
		"inputs[].size":            {2, 16384, "px"},
		"inputs[].position":        {0, 16382, "px"},
		"inputs[].volume":          {0, 16, "linear gain"},
		"inputs[].pan":             {-1, 1, "left to right"},
		"inputs[].offset":          {-3600000, 3600000, "ms"},
		"inputs[].drift_ppm":       {-5000, 5000, "ppm"},
		"inputs[].reverb":          {0, 4, "linear send"},
		"inputs[].crop":            {0, 1, "share of the picture"},
		"inputs[].radius":          {0, 1000, "px"},
		"inputs[].border":          {0, 200, "px"},
		"inputs[].fade_ms":         {0, 10000, "ms"},
	}
}

var bounds = Bounds()

// MaxInputs is how many inputs a definition may have.
const MaxInputs = 4096

// Validate reports all faults of a definition at once, as Parse does.
func (d *Definition) Validate() error {
	fs := &faults{}
	d.validate(fs)
	if err := fs.err(); err != nil {
		return fmt.Errorf("definition: %w", err)
	}
	return nil
}

func (d *Definition) validate(fs *faults) {
	if d.Version != Version {
		fs.add("version", "is %d, want %d", d.Version, Version)
	}
	fs.id("choir_id", string(d.ChoirID))
	fs.id("song_id", string(d.SongID))
	d.Output.validate(fs)
	if n := len(d.Inputs); n == 0 || n > MaxInputs {
		fs.add("inputs", "%d inputs, want 1 to %d", n, MaxInputs)
	}
	canvas := d.Output.Or(Defaults()).Size.Or(Pair{})
	seen := map[PartID]int{}
	backing := -1
	for i := range d.Inputs {
		in := &d.Inputs[i]
		path := fmt.Sprintf("inputs[%d]", i)
		in.validate(fs, path, canvas)
		if first, twice := seen[in.PartID]; twice && in.PartID != "" {
			fs.add(path+".part_id", "%q is already inputs[%d]", in.PartID, first)
		} else {
			seen[in.PartID] = i
		}
		if in.PartType.Or("") == Backing {
			if backing >= 0 {
				fs.add(path+".part_type", "inputs[%d] is the backing already", backing)
			} else {
				backing = i
			}
		}
	}
	d.validateTiles(fs)
}

// validateTiles reports tiles that lie on top of each other: a part's picture is
// drawn only when it changes, so what is on top would not stay there.
func (d *Definition) validateTiles(fs *faults) {
	if len(fs.list) > 0 || len(d.Inputs) > MaxInputs {
		return
	}
	for i := range d.Inputs {
		a := &d.Inputs[i]
		for j := 0; j < i && a.Shown(); j++ {
			if b := &d.Inputs[j]; b.Shown() && overlap(a, b) {
				fs.add(fmt.Sprintf("inputs[%d].position", i), "the tile lies over that of inputs[%d]", j)
				break
			}
		}
	}
}

func overlap(a, b *Input) bool {
	ap, as, bp, bs := a.Position.v, a.Size.v, b.Position.v, b.Size.v
	return ap[0] < bp[0]+bs[0] && bp[0] < ap[0]+as[0] && ap[1] < bp[1]+bs[1] && bp[1] < ap[1]+as[1]
}

func (o *Output) validate(fs *faults) {
	if size, ok := o.Size.Get(); ok {
		for i, v := range size {
			path := fmt.Sprintf("output.size[%d]", i)
			fs.within(path, "output.size", float64(v))
			if v%2 != 0 {
				fs.add(path, "%d is odd, want an even number of pixels", v)
			}
		}
	}
	if f, ok := o.FPS.Get(); ok {
		if f.Num <= 0 || f.Den <= 0 || f.Num > MaxFPSTerm || f.Den > MaxFPSTerm {
			fs.add("output.fps", "%d/%d is no frame rate", f.Num, f.Den)
		}
		fs.within("output.fps", "output.fps", f.Float())
	}
	fs.number64("output.reverb", "output.reverb", o.Reverb)
	fs.number64("output.loudness", "output.loudness", o.Loudness)
	fs.number64("output.true_peak", "output.true_peak", o.TruePeak)
	fs.number64("output.watermark_opacity", "output.watermark_opacity", o.WatermarkOpacity)
	fs.int("output.radius", "output.radius", o.Radius)
	fs.int("output.border", "output.border", o.Border)
	fs.number64("output.fade_ms", "output.fade_ms", o.FadeMS)
	word(fs, "output.span", o.Span, spans)
	word(fs, "output.pan_law", o.PanLaw, panLaws)
	word(fs, "output.balance", o.Balance, balances)
	word(fs, "output.fit", o.Fit, fits)
	if s, ok := o.ReverbType.Get(); ok {
		fs.id("output.reverb_type", s)
	}
	if s, ok := o.Watermark.Get(); ok && s != "" {
		fs.id("output.watermark", s)
	}
	if s, ok := o.BackgroundImage.Get(); ok && s != "" {
		fs.id("output.background_image", s)
	}
}

func (in *Input) validate(fs *faults, path string, canvas Pair) {
	fs.id(path+".part_id", string(in.PartID))
	fs.number64(path+".volume", "inputs[].volume", in.Volume)
	fs.number64(path+".pan", "inputs[].pan", in.Pan)
	fs.number64(path+".offset", "inputs[].offset", in.Offset)
	fs.number64(path+".drift_ppm", "inputs[].drift_ppm", in.DriftPPM)
	fs.number64(path+".reverb", "inputs[].reverb", in.Reverb)
	fs.int(path+".radius", "inputs[].radius", in.Radius)
	fs.int(path+".border", "inputs[].border", in.Border)
	fs.number64(path+".fade_ms", "inputs[].fade_ms", in.FadeMS)
	word(fs, path+".part_type", in.PartType, Kinds())
	word(fs, path+".fit", in.Fit, fits)
	if r, ok := in.Rotate.Get(); ok && r != 0 && r != 90 && r != 180 && r != 270 {
		fs.add(path+".rotate", "%d, want 0, 90, 180 or 270", r)
	}
	fs.crop(path+".crop", in.Crop)
	for i, c := range in.Cleanup {
		if !slices.Contains(cleanups, c) {
			fs.add(fmt.Sprintf("%s.cleanup[%d]", path, i), "%q is none of %s", c, quoted(cleanups))
		}
	}
	in.validateTile(fs, path, canvas)
}

func (in *Input) validateTile(fs *faults, path string, canvas Pair) {
	pos, hasPos := in.Position.Get()
	size, hasSize := in.Size.Get()
	switch {
	case hasPos && !hasSize:
		fs.add(path+".size", "missing beside position")
	case hasSize && !hasPos:
		fs.add(path+".position", "missing beside size (leave out both for a part that is only heard)")
	}
	if !hasPos || !hasSize {
		return
	}
	for i, axis := range []string{"wide", "high"} {
		sp, pp := fmt.Sprintf("%s.size[%d]", path, i), fmt.Sprintf("%s.position[%d]", path, i)
		fs.within(sp, "inputs[].size", float64(size[i]))
		fs.within(pp, "inputs[].position", float64(pos[i]))
		if pos[i]+size[i] > canvas[i] {
			fs.add(pp, "%d + %d is outside the canvas, %d %s", pos[i], size[i], canvas[i], axis)
		}
	}
}

func (fs *faults) id(path, s string) {
	if s == "" {
		fs.add(path, "missing")
	} else if err := CheckID("id", s); err != nil {
		fs.add(path, "%v", err)
	}
}

// within reports v outside the bound of the field. NaN is outside of everything.
func (fs *faults) within(path, field string, v float64) {
	b := bounds[field]
	if !(v >= b.Lo && v <= b.Hi) {
		fs.add(path, "%g is outside %g to %g (%s)", v, b.Lo, b.Hi, b.Unit)
	}
}

func (fs *faults) number64(path, field string, o Optional[float64]) {
	if v, ok := o.Get(); ok {
		fs.within(path, field, v)
	}
}

func (fs *faults) int(path, field string, o Optional[int]) {
	if v, ok := o.Get(); ok {
		fs.within(path, field, float64(v))
	}
}

// minCrop is the least share of a picture's width and height that is left.
const minCrop = 0.05

func (fs *faults) crop(path string, o Optional[Crop]) {
	c, ok := o.Get()
	if !ok {
		return
	}
	for i, v := range c {
		fs.within(fmt.Sprintf("%s[%d]", path, i), "inputs[].crop", v)
	}
	for i, axis := range []string{"wide", "high"} {
		switch from, size := c[i], c[i+2]; {
		case !(size >= minCrop):
			fs.add(fmt.Sprintf("%s[%d]", path, i+2), "%g leaves less than %g of the picture", size, minCrop)
		case from+size > 1+1e-9:
			fs.add(fmt.Sprintf("%s[%d]", path, i), "%g + %g is outside the picture, 1 %s", from, size, axis)
		}
	}
}

func word[T ~string](fs *faults, path string, o Optional[T], words []T) {
	if v, ok := o.Get(); ok && !slices.Contains(words, v) {
		fs.add(path, "%q is none of %s", v, quoted(words))
	}
}
