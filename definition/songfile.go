package definition

import "fmt"

// ParseSongFile reads song.json. It may be a list of part documents, an object with
// parts (a list, or an object by part id), or an object of part documents by part id;
// beside parts it may hold choirId, songId, output (as in a definition) and layout.
// Inside part documents numbers may be strings, and the spellings of earlier programs
// are understood; a field that nobody knows is a fault, so that a typo is not silence.
// All faults are reported at once.
func ParseSongFile(b []byte) (*SongFile, error) {
	fs := &faults{}
	v, err := readTree(b, fs)
	if err != nil {
		return nil, fmt.Errorf("song.json: %w", err)
	}
	f := &SongFile{}
	switch {
	case v.kind == 'a':
		f.Parts = readParts(v, fs)
	case v.kind == 'o' && !has(v, "parts") && len(v.obj) > 0 && allObjects(v):
		f.Parts = readParts(v, fs)
	default:
		f.readObject(fs.open(v), fs)
	}
	f.validate(fs)
	if err := fs.err(); err != nil {
		return nil, fmt.Errorf("song.json: %w", err)
	}
	return f, nil
}

// ParsePart reads one part document as the API stores it: aliases and numbers in
// strings are understood, unknown fields passed over.
func ParsePart(b []byte) (Part, error) {
	fs := &faults{tolerant: true}
	v, err := readTree(b, fs)
	if err != nil {
		return Part{}, fmt.Errorf("part document: %w", err)
	}
	p := readPart(fs.open(v))
	p.validate(fs, "", true)
	if err := fs.err(); err != nil {
		return Part{}, fmt.Errorf("part document: %w", err)
	}
	return p, nil
}

func has(v value, key string) bool { _, ok := v.obj[key]; return ok }

func allObjects(v value) bool {
	for k, e := range v.obj {
		if e.kind != 'o' || k == "output" || k == "layout" {
			return false
		}
	}
	return true
}

func (f *SongFile) readObject(o *object, fs *faults) {
	f.Choir = ChoirID(o.str("choirId", "choir_id").Or(""))
	f.Song.Song = SongID(o.str("songId", "song_id").Or(""))
	if v, ok := o.get("name"); ok && (v.kind == 's' || v.kind == 'n') {
		f.Name = v.str // anything else is to remember, too
	}
	f.Settings.read(o, fs)
	if p, ok := o.get("parts"); ok {
		f.Parts = readParts(p, fs)
	}
	for _, known := range []string{"ok", "title", "description", "version", "createdOn", "userId", "type"} {
		o.used[known] = known // the API's own answer, and what people write to remember
	}
	o.done(nil)
}

// ParseSettings reads the settings of a song as the API stores them: name, output and
// layout as in song.json, and auto. All faults are reported at once.
func ParseSettings(b []byte) (Settings, error) {
	fs := &faults{}
	v, err := readTree(b, fs)
	if err != nil {
		return Settings{}, fmt.Errorf("settings: %w", err)
	}
	var s Settings
	o := fs.open(v)
	s.Name = o.str("name").Or("")
	s.read(o, fs)
	s.Auto = o.boolean("auto")
	o.done(nil)
	s.validate(fs)
	if err := fs.err(); err != nil {
		return Settings{}, fmt.Errorf("settings: %w", err)
	}
	return s, nil
}

// read reads output and layout.
func (s *Settings) read(o *object, fs *faults) {
	if out, ok := o.get("output"); ok {
		s.Output = readOutput(fs.open(out))
	}
	if l, ok := o.get("layout"); ok {
		lo := fs.open(l)
		s.Layout = readLayout(lo)
		lo.done(nil)
	}
}

func readLayout(o *object) LayoutOptions {
	return LayoutOptions{Mode: o.str("mode"), Margin: o.integer("margin"), Center: o.boolean("center", "centre")}
}

// PartNames returns every spelling of a field of a part document that is understood, with
// the name it is stored under.
func PartNames() map[string]string {
	o := (&faults{}).open(value{kind: 'o'})
	readPart(o)
	return o.used
}

// LayoutNames is PartNames for the layout of a song.
func LayoutNames() map[string]string {
	o := (&faults{}).open(value{kind: 'o'})
	readLayout(o)
	return o.used
}

// readParts reads documents from a list, or from an object whose keys are part ids.
func readParts(v value, fs *faults) []Part {
	var out []Part
	one := func(e value, id string) {
		p := readPartIn(fs.open(e), fs)
		if p.PartID == "" {
			p.PartID = PartID(id)
		}
		out = append(out, p)
	}
	switch v.kind {
	case 'a':
		for _, e := range v.arr {
			one(e, "")
		}
	case 'o':
		for _, k := range v.keys {
			one(v.obj[k], k)
		}
	default:
		fs.add(v.path, "is %s, want a list of part documents", kindNames[v.kind])
	}
	return out
}

// readPartIn reads a document with tolerant values but strict names.
func readPartIn(o *object, fs *faults) Part {
	fs.tolerant = true
	p := readPart(o)
	fs.tolerant = false
	o.done(fieldHints)
	return p
}

// readPart reads a document under its present and earlier spellings.
func readPart(o *object) Part {
	p := Part{
		PartID:     PartID(o.str("partId", "part_id", "id").Or("")),
		SongID:     SongID(o.str("songId", "song_id").Or("")),
		ChoirID:    ChoirID(o.str("choirId", "choir_id").Or("")),
		UserID:     o.str("userId", "user_id").Or(""),
		UserName:   o.str("userName", "user_name").Or(""),
		Name:       o.str("name").Or(""),
		CreatedOn:  o.str("createdOn", "created_on").Or(""),
		PartName:   o.str("partName", "part_name").Or(""),
		PartNameID: o.str("partNameId", "part_name_id").Or(""),
		PartType:   oneOf(o, Kinds(), "partType", "part_type"),
		Offset:     o.number("offset", "offet", "offset_ms", "offsetMs"), OffsetLocked: o.boolean("offset_locked", "offsetLocked").Or(false),
		FrontendOffset: o.number("frontendOffset", "frontend_offset"),
		DriftPPM:       o.number("driftPpm", "drift_ppm"),
		AspectRatio:    o.str("aspectRatio", "aspectRadio", "aspect_ratio").Or(""),
		Volume:         o.number("volume"),
		Order:          o.integer("order"),
		Hidden:         o.boolean("hidden").Or(false),
		Audio:          o.boolean("audio").Or(false),
		Pan:            o.number("pan"),
		Reverb:         o.number("reverb"),
		Rotate:         o.integer("rotate", "rotation"),
		Crop:           o.crop("crop"),
		Fit:            oneOf(o, fits, "fit"),
		Caption:        o.boolean("caption"),
		Cleanup:        o.strings("cleanup"),
	}
	for _, stored := range []string{"pk", "sk", "type", "_id", "_rev", "GSI1PK", "GSI1SK", "i1", "ttl", "panning", "status"} {
		o.used[stored] = stored // the tables' own
	}
	return p
}

func (s *Settings) validate(fs *faults) {
	s.Output.validate(fs)
	if m, ok := s.Layout.Mode.Get(); ok && m != "rows" && m != "stretch" && m != "boxjam" {
		fs.add("layout.mode", `%q is none of "rows", "stretch", "boxjam"`, m)
	}
	if m, ok := s.Layout.Margin.Get(); ok && (m < 0 || m > 200) {
		fs.add("layout.margin", "%d is outside 0 to 200 (px)", m)
	}
}

func (f *SongFile) validate(fs *faults) {
	f.Settings.validate(fs)
	seen := map[PartID]bool{}
	for i := range f.Parts {
		p := &f.Parts[i]
		path := fmt.Sprintf("parts[%d]", i)
		p.validate(fs, path+".", false)
		if seen[p.PartID] && p.PartID != "" {
			fs.add(path+".partId", "%q is there twice", p.PartID)
		}
		seen[p.PartID] = true
	}
}

// maxOrder bounds Part.Order either way.
const maxOrder = 1_000_000

func (p *Part) validate(fs *faults, path string, idOptional bool) {
	if p.PartID != "" || !idOptional {
		fs.id(path+"partId", string(p.PartID))
	}
	fs.number64(path+"offset", "inputs[].offset", p.Offset)
	fs.number64(path+"frontendOffset", "inputs[].offset", p.FrontendOffset)
	fs.number64(path+"driftPpm", "inputs[].drift_ppm", p.DriftPPM)
	fs.number64(path+"volume", "inputs[].volume", p.Volume)
	fs.number64(path+"pan", "inputs[].pan", p.Pan)
	fs.number64(path+"reverb", "inputs[].reverb", p.Reverb)
	if r, ok := p.Rotate.Get(); ok && r != 0 && r != 90 && r != 180 && r != 270 {
		fs.add(path+"rotate", "%d, want 0, 90, 180 or 270", r)
	}
	fs.crop(path+"crop", p.Crop)
	if n := p.Order.Or(0); n < -maxOrder || n > maxOrder {
		fs.add(path+"order", "%d is outside %d to %d", n, -maxOrder, maxOrder)
	}
	in := Input{Cleanup: p.Cleanup}
	for i, c := range in.Cleanup {
		if c != "highpass" && c != "gate" && c != "declick" {
			fs.add(fmt.Sprintf("%scleanup[%d]", path, i), "%q is none of %s", c, quoted(cleanups))
		}
	}
}
