package plan

import (
	"cmp"
	"errors"
	"fmt"
	"image"
	"math"
	"slices"
	"time"

	"github.com/choirless/render/definition"
	"github.com/choirless/render/media"
)

// New makes the plan of a definition. Parts that are not known or were rejected are
// dropped with a warning that names them. It fails when the definition is not valid,
// and when no part is left.
func New(def *definition.Definition, o Options) (*Plan, error) {
	if err := def.Validate(); err != nil {
		return nil, err
	}
	b := &builder{def: def, o: o, out: def.Output.Or(definition.Defaults())}
	b.p = &Plan{
		Version: cmp.Or(o.Version, RendererVersion),
		Song:    def.Ref(), Name: definition.NameOr(o.Name), Run: o.Run,
	}
	for part, g := range o.Gains {
		if !(g >= 0) || math.IsInf(g, 0) {
			return nil, fmt.Errorf("plan: part %q: balance gain %g, want 0 or more", part, g)
		}
	}
	if err := b.look(); err != nil {
		return nil, err
	}
	b.canvas()
	b.pickParts()
	if len(b.inputs) == 0 {
		return nil, &NoPartsError{Warnings: b.p.Warnings}
	}
	b.time()
	b.segments()
	b.stripes()
	b.backdrop()
	b.watermark()
	b.sounds()
	return b.p, nil
}

// NoPartsError says that nothing is left to render; the warnings say why each part
// was dropped.
type NoPartsError struct{ Warnings []PartWarning }

// Error names every dropped part.
func (e *NoPartsError) Error() string {
	errs := []error{errors.New("plan: no usable part")}
	for _, w := range e.Warnings {
		errs = append(errs, fmt.Errorf("part %q: %s", w.Part, w.Text))
	}
	return errors.Join(errs...).Error()
}

// builder is a plan being made.
type builder struct {
	def    *definition.Definition
	o      Options
	out    definition.Output // every field said
	p      *Plan
	inputs []*definition.Input // those that are used, in the definition's order
}

func (b *builder) warn(part definition.PartID, format string, args ...any) {
	b.p.Warnings = append(b.p.Warnings, PartWarning{Part: part, Text: fmt.Sprintf(format, args...)})
}

func (b *builder) canvas() {
	size := b.out.Size.Or(definition.Pair{})
	fps := b.out.FPS.Or(definition.FPS{})
	b.p.Width, b.p.Height = size[0], size[1]
	b.p.Rate = media.FrameRate{Num: int64(fps.Num), Den: int64(fps.Den)}
	b.p.Background = RGB(b.out.Background.Or(definition.RGB{}))
	b.p.Master = Master{
		Room: b.out.ReverbType.Or(""), Wet: b.out.Reverb.Or(0),
		Target: b.out.Loudness.Or(0), Ceiling: b.out.TruePeak.Or(0),
		Balance: b.out.Balance.Or("") == definition.BalanceAuto,
	}
	b.p.Encoder = Encoder{
		Codec:        b.o.Encoder.Codec,
		Preset:       cmp.Or(b.o.Encoder.Preset, EncoderDefault.Preset),
		CRF:          cmp.Or(b.o.Encoder.CRF, EncoderDefault.CRF),
		MezzanineCRF: cmp.Or(b.o.Encoder.MezzanineCRF, EncoderDefault.MezzanineCRF),
		GOP:          cmp.Or(b.o.Encoder.GOP, max(1, b.p.Rate.Frames(SegmentDefault+shortest))),
		CanvasHeight: size[1],
	}
}

// pickParts drops the parts that cannot be used and finds the backing.
func (b *builder) pickParts() {
	backing := b.o.Backing
	var first definition.PartID
	for i := range b.def.Inputs {
		in := &b.def.Inputs[i]
		if in.PartType.Or("") == definition.Backing {
			backing = in.PartID
		}
		if first == "" || in.PartID < first {
			first = in.PartID
		}
		part, known := b.o.Parts[in.PartID]
		switch {
		case !known:
			b.warn(in.PartID, "dropped: not found in the bucket")
		case part.Rejected != "":
			b.warn(in.PartID, "dropped: %s", part.Rejected)
		case part.Facts.Video == nil && part.Facts.Audio == nil:
			b.warn(in.PartID, "dropped: neither picture nor sound")
		default:
			b.inputs = append(b.inputs, in)
		}
	}
	if backing == "" {
		backing = first
	}
	for _, in := range b.inputs {
		if in.PartID == backing {
			b.p.Backing = backing
			return
		}
	}
	if len(b.inputs) > 0 {
		b.warn(backing, "the backing is missing: the song lasts from its time 0 to the latest end of a part")
	}
}

// time sets the span: where output frame 0 falls and how many frames there are.
func (b *builder) time() {
	var start, end time.Duration // song time
	if b.p.Backing != "" {
		end = b.o.Parts[b.p.Backing].Facts.Duration - time.Duration(b.offset(b.def.Input(b.p.Backing)))
	}
	if union := b.out.Span.Or("") == definition.SpanUnion; union || b.p.Backing == "" {
		for _, in := range b.inputs {
			off := time.Duration(b.offset(in))
			end = max(end, b.o.Parts[in.PartID].Facts.Duration-off)
			if union {
				start = min(start, -off)
			}
		}
	}
	b.p.Start = media.Offset(start)
	b.p.Frames = max(1, b.p.Rate.Frames(max(0, end-start)))
	b.p.Samples = media.MixRate.Samples(b.p.Rate.Time(b.p.Frames))
}

func (b *builder) offset(in *definition.Input) media.Offset {
	return media.OffsetMS(in.Offset.Or(0))
}

// outputOffset is where output time 0 falls in the part.
func (b *builder) outputOffset(in *definition.Input) media.Offset {
	off := float64(b.offset(in)) + float64(b.p.Start)*(1+in.DriftPPM.Or(0)/1e6)
	return media.Offset(math.Round(off))
}

// segments cuts the frames into equal lengths, with a longer or shorter one at the end.
func (b *builder) segments() {
	frames := b.p.Frames
	length := max(1, b.p.Rate.Frames(cmp.Or(b.o.Segment, SegmentDefault)))
	least := min(b.p.Rate.Frames(shortest), length)
	for first := 0; first < frames; {
		count := min(length, frames-first)
		if rest := frames - first - count; rest < least {
			count += rest
		}
		b.p.Segments = append(b.p.Segments, Segment{Index: len(b.p.Segments), First: first, Count: count, Last: first+count == frames})
		first += count
	}
}

// stripes finds bands of tiles that a border on a multiple of 16 can part. A tile
// that another's rows overlap shares its stripe, and so do rows with no such multiple
// between them: the picture is never bent to the stripes. Only x264 can keep motion
// inside a stripe; for another encoder the canvas is one stripe.
func (b *builder) stripes() {
	var shown []*definition.Input
	for _, in := range b.inputs {
		if in.Shown() {
			shown = append(shown, in)
		}
	}
	rect := func(in *definition.Input) image.Rectangle {
		pos, size := in.Position.Or(definition.Pair{}), in.Size.Or(definition.Pair{})
		return evenInside(image.Rect(pos[0], pos[1], pos[0]+size[0], pos[1]+size[1]))
	}
	slices.SortStableFunc(shown, func(a, c *definition.Input) int {
		ra, rc := rect(a), rect(c)
		return cmp.Or(cmp.Compare(ra.Min.Y, rc.Min.Y), cmp.Compare(ra.Min.X, rc.Min.X), cmp.Compare(a.PartID, c.PartID))
	})
	stripes := []Stripe{{}}
	bottom := 0
	for _, in := range shown {
		r := rect(in)
		if last := &stripes[len(stripes)-1]; bottom > 0 && b.p.Encoder.Codec == "" {
			if at := borderIn(bottom, r.Min.Y); at > last.Y {
				last.Height = at - last.Y
				stripes = append(stripes, Stripe{Index: len(stripes), Y: at})
			}
		}
		last := &stripes[len(stripes)-1]
		last.Tiles = append(last.Tiles, b.tile(in, r.Sub(image.Pt(0, last.Y))))
		bottom = max(bottom, r.Max.Y)
	}
	last := &stripes[len(stripes)-1]
	last.Height = b.p.Height - last.Y
	for _, s := range stripes {
		slices.SortStableFunc(s.Tiles, func(a, c PictureTile) int {
			return cmp.Or(cmp.Compare(a.Y, c.Y), cmp.Compare(a.X, c.X))
		})
	}
	b.p.Stripes = stripes
}

// evenInside is the largest rectangle with even corners in r, or the 2x2 pixels at
// its top left.
func evenInside(r image.Rectangle) image.Rectangle {
	e := image.Rect((r.Min.X+1)&^1, (r.Min.Y+1)&^1, r.Max.X&^1, r.Max.Y&^1)
	if e.Dx() < 2 || e.Dy() < 2 {
		x, y := r.Min.X&^1, r.Min.Y&^1
		return image.Rect(x, y, x+2, y+2)
	}
	return e
}

// coverSlack is how far, as a share, the shape of a tile may be from its picture's
// for the picture to be cropped to it instead of showing slivers of background.
const coverSlack = 0.015

const (
	// holdAtEnd is how much earlier than the song a part's picture may end and
	// still stay: the last moments are no time for a placeholder.
	holdAtEnd = 2 * time.Second
	// freezeAfter is how long a film may stand still. A browser whose tab is hidden
	// records no pictures; the singer sings on.
	freezeAfter = 3 * time.Second
	// slidesFPS: what has fewer pictures a second is not a film, and may stand
	// still for as long as it likes.
	slidesFPS = 2
)

func (b *builder) tile(in *definition.Input, r image.Rectangle) PictureTile {
	part := b.o.Parts[in.PartID]
	t := PictureTile{
		Part: in.PartID, Source: part.Converted, SHA256: part.SHA256,
		X: r.Min.X, Y: r.Min.Y, W: r.Dx(), H: r.Dy(),
		Fit:       Fit(in.Fit.OrElse(b.out.Fit).Or(definition.FitContain)),
		Offset:    b.outputOffset(in),
		DriftPPM:  in.DriftPPM.Or(0),
		Name:      in.Name,
		Caption:   in.Caption.OrElse(b.out.Captions).Or(false) && in.Name != "",
		Radius:    in.Radius.OrElse(b.out.Radius).Or(0),
		Border:    in.Border.OrElse(b.out.Border).Or(0),
		BorderRGB: RGB(in.BorderColor.OrElse(b.out.BorderColor).Or(definition.RGB{})),
		Fade:      time.Duration(media.OffsetMS(in.FadeMS.OrElse(b.out.FadeMS).Or(0))),
		Rotation:  media.Rotation(in.Rotate.Or(0)),
	}
	v := part.Facts.Video
	if v == nil {
		b.warn(in.PartID, "has no picture: its tile shows a placeholder")
		t.Gaps = true
		return t
	}
	t.Rotation = (t.Rotation + v.Rotation) % 360
	t.Start, t.End = v.Start, v.End
	if song := b.p.Rate.Time(b.p.Frames); float64(v.End-time.Duration(t.Offset))/(1+t.DriftPPM/1e6) > float64(song-holdAtEnd) {
		t.End = 0
	}
	if v.FPS >= slidesFPS {
		t.FreezeAfter, t.Gaps = freezeAfter, v.Standstill > freezeAfter
	}
	w, h := media.DisplaySize(v.Width, v.Height, v.SAR, t.Rotation)
	if a := w / h; a > 0 && !math.IsInf(a, 0) {
		t.Aspect = a
	}
	if c := media.Crop(in.Crop.Or(definition.Crop{})); !c.Whole() {
		t.Crop = c
	}
	w, h = t.Crop.Size(w, h)
	if shape := float64(t.W) / float64(t.H) / (w / h); t.Fit == Contain && math.Abs(shape-1) <= coverSlack {
		t.Fit = Cover
	}
	return t
}

// backdrop lays the background image over the whole canvas, cropped evenly where
// its shape is another, and gives each stripe its share.
func (b *builder) backdrop() {
	name, img := b.out.BackgroundImage.Or(""), b.o.BackgroundImage
	if name == "" {
		return
	}
	if img == nil || img.Width <= 0 || img.Height <= 0 {
		b.warn("", "background image %q: not found, or no PNG or JPEG", name)
		return
	}
	scale := math.Max(float64(b.p.Width)/float64(img.Width), float64(b.p.Height)/float64(img.Height))
	w, h := int(math.Round(float64(img.Width)*scale)), int(math.Round(float64(img.Height)*scale))
	for i := range b.p.Stripes {
		s := &b.p.Stripes[i]
		s.Backdrop = &Overlay{
			Image: img.Ref, SHA256: img.SHA256, Opacity: 1,
			X: (b.p.Width - w) / 2, Y: (b.p.Height-h)/2 - s.Y, W: w, H: h,
		}
	}
}

// watermark lays the image into the bottom right corner, as wide as it is on a
// canvas of 1080 lines, and gives each stripe it touches its share.
func (b *builder) watermark() {
	wm := b.o.Watermark
	if name := b.out.Watermark.Or(""); name != "" && wm == nil {
		b.warn("", "watermark %q: not found, or no PNG or JPEG", name)
	}
	opacity := b.out.WatermarkOpacity.Or(1)
	if wm == nil || b.out.Watermark.Or("") == "" || opacity == 0 || wm.Width <= 0 || wm.Height <= 0 {
		return
	}
	scale := float64(min(b.p.Width, b.p.Height)) / 1080
	scale = min(scale, 0.4*float64(b.p.Width)/float64(wm.Width), 0.4*float64(b.p.Height)/float64(wm.Height))
	w := max(2, int(float64(wm.Width)*scale+0.5)&^1)
	h := max(2, int(float64(wm.Height)*scale+0.5)&^1)
	edge := int(20*float64(min(b.p.Width, b.p.Height))/1080) &^ 1
	r := image.Rect(0, 0, w, h).Add(image.Pt(b.p.Width-w-edge, b.p.Height-h-edge))
	for i := range b.p.Stripes {
		s := &b.p.Stripes[i]
		if r.Overlaps(image.Rect(0, s.Y, b.p.Width, s.Y+s.Height)) {
			s.Overlays = append(s.Overlays, Overlay{
				Image: wm.Ref, SHA256: wm.SHA256,
				X: r.Min.X, Y: r.Min.Y - s.Y, W: w, H: h, Opacity: opacity,
			})
		}
	}
}

// sounds gives every stripe the voices of its tiles, and the rest to -1. A voice that
// is mute is left out: it would add zeros.
func (b *builder) sounds() {
	stripeOf := map[definition.PartID]int{}
	for _, s := range b.p.Stripes {
		for _, t := range s.Tiles {
			stripeOf[t.Part] = s.Index
		}
	}
	voices := map[int][]Voice{}
	for _, in := range b.inputs {
		part := b.o.Parts[in.PartID]
		gain := in.Volume.Or(1)
		if g, ok := b.o.Gains[in.PartID]; ok && b.p.Master.Balance {
			gain *= g
		}
		if part.Facts.Audio == nil || gain == 0 {
			continue
		}
		v := Voice{
			Part: in.PartID, Source: part.Converted, SHA256: part.SHA256,
			Offset: b.outputOffset(in), DriftPPM: in.DriftPPM.Or(0),
			Gain: gain, Send: in.Reverb.Or(1), Cleanup: slices.Clone(in.Cleanup),
		}
		if b.out.Panning.Or(true) {
			v.Pan = in.Pan.Or(0)
		}
		if law := b.out.PanLaw.Or(definition.ConstantPower); law != definition.ConstantPower {
			v.PanLaw = string(law)
		}
		if slices.Contains(v.Cleanup, "gate") {
			v.GateDB = part.GateDB
			if !b.hasSound(b.p.Backing) {
				b.warn(in.PartID, "clean-up gate: stays open, the backing has no sound to rest by")
			}
		}
		stripe, shown := stripeOf[in.PartID]
		if !shown {
			stripe = -1
		}
		voices[stripe] = append(voices[stripe], v)
	}
	for i := 0; i <= len(b.p.Stripes); i++ {
		stripe := i
		if i == len(b.p.Stripes) {
			stripe = -1
		}
		if vs := voices[stripe]; len(vs) > 0 {
			// By part, not by place: the sum must not change its bits with the layout.
			slices.SortFunc(vs, func(a, c Voice) int { return cmp.Compare(a.Part, c.Part) })
			s := Sound{Stripe: stripe, Samples: b.p.Samples, Voices: vs}
			if slices.ContainsFunc(vs, func(v Voice) bool { return slices.Contains(v.Cleanup, "gate") }) {
				s.Rests = b.rests()
			}
			b.p.Sounds = append(b.p.Sounds, s)
		}
	}
}

// rests returns where the backing rests, in output time: where it says so itself,
// and outside of its recording.
func (b *builder) rests() []media.Span {
	i := slices.IndexFunc(b.inputs, func(in *definition.Input) bool { return in.PartID == b.p.Backing })
	if i < 0 || !b.hasSound(b.p.Backing) {
		return nil
	}
	backing := b.o.Parts[b.p.Backing]
	begin := -time.Duration(b.outputOffset(b.inputs[i]))
	end := begin + backing.Facts.Audio.End
	song := b.p.Rate.Time(b.p.Frames)
	var out []media.Span
	add := func(from, to time.Duration) {
		from, to = max(from, 0), min(to, song)
		if n := len(out); n > 0 && out[n-1].To >= from {
			out[n-1].To = max(out[n-1].To, to)
		} else if from < to {
			out = append(out, media.Span{From: from, To: to})
		}
	}
	add(0, begin)
	for _, r := range backing.Rests {
		add(begin+r.From, begin+r.To)
	}
	add(end, song)
	return out
}

func (b *builder) hasSound(part definition.PartID) bool { return b.o.Parts[part].Facts.Audio != nil }
