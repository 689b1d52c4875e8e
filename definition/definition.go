package definition

// Version is the version of the definition that Marshal writes and Parse wants.
const Version = 1

// Definition asks for one render of a song: a canvas, and where and how each part
// is seen and heard.
type Definition struct {
	Version int     `json:"version"`
	ChoirID ChoirID `json:"choir_id"`
	SongID  SongID  `json:"song_id"`
	Output  Output  `json:"output"`
	Inputs  []Input `json:"inputs"`
}

// Ref returns the song the definition belongs to.
func (d *Definition) Ref() Song { return Song{Choir: d.ChoirID, Song: d.SongID} }

// Input returns the input of a part, or nil.
func (d *Definition) Input(part PartID) *Input {
	for i := range d.Inputs {
		if d.Inputs[i].PartID == part {
			return &d.Inputs[i]
		}
	}
	return nil
}

// Output is what the render has as a whole. What is left out means the default
// that Defaults gives.
type Output struct {
	// Size is the canvas in pixels, width and height, both even.
	Size Optional[Pair] `json:"size,omitzero"`
	// FPS is the frame rate.
	FPS Optional[FPS] `json:"fps,omitzero"`
	// Span says which stretch of time is shown.
	Span Optional[Span] `json:"span,omitzero"`

	// Reverb is the wet share, 0 (dry) to 1.
	Reverb Optional[float64] `json:"reverb,omitzero"`
	// ReverbType is the room: room, studio, hall, church, or the name of an impulse
	// response in the misc bucket without its extension.
	ReverbType Optional[string] `json:"reverb_type,omitzero"`
	// Panning false puts every voice in the middle.
	Panning Optional[bool] `json:"panning,omitzero"`
	// PanLaw names how pan turns into two gains.
	PanLaw Optional[PanLaw] `json:"pan_law,omitzero"`
	// Loudness is the integrated loudness of the final, LUFS.
	Loudness Optional[float64] `json:"loudness,omitzero"`
	// TruePeak is the highest true peak of the final, dBTP.
	TruePeak Optional[float64] `json:"true_peak,omitzero"`
	// Balance says whether voices are levelled before volume multiplies.
	Balance Optional[Balance] `json:"balance,omitzero"`

	// Look grades the parts' pictures: values of the shaders' tunable uniforms, by
	// name, such as gamma, contrast, saturation. What is left out has its default.
	Look Optional[map[string]float64] `json:"look,omitzero"`

	// Watermark is the name of a PNG or JPEG in the misc bucket; "" is none.
	Watermark Optional[string] `json:"watermark,omitzero"`
	// WatermarkOpacity is 0 (unseen) to 1.
	WatermarkOpacity Optional[float64] `json:"watermark_opacity,omitzero"`
	// Background is the colour between the tiles.
	Background Optional[RGB] `json:"background,omitzero"`
	// BackgroundImage is the name of a PNG or JPEG in the misc bucket that covers
	// the canvas between the tiles; "" is none.
	BackgroundImage Optional[string] `json:"background_image,omitzero"`
	// Fit, Captions, Radius, Border, BorderColor and FadeMS hold for every input
	// that does not say otherwise.
	Fit         Optional[Fit]     `json:"fit,omitzero"`
	Captions    Optional[bool]    `json:"captions,omitzero"`
	Radius      Optional[int]     `json:"radius,omitzero"` // of the tiles' corners, px
	Border      Optional[int]     `json:"border,omitzero"` // px
	BorderColor Optional[RGB]     `json:"border_color,omitzero"`
	FadeMS      Optional[float64] `json:"fade_ms,omitzero"` // of a tile whose part begins late or ends early
}

// Input is one part in a render.
type Input struct {
	PartID PartID `json:"part_id"`
	// PartType marks the backing, whose time line is the song's. Without a mark the
	// plan takes the part it is told of, or the first by id.
	PartType Optional[Kind] `json:"part_type,omitzero"`
	// Name is who sings: caption and placeholder.
	Name string `json:"name,omitempty"`

	// Size and Position are the tile in canvas pixels, origin top left. Both are
	// left out for a part that sounds and is not seen.
	Size     Optional[Pair] `json:"size,omitzero"`
	Position Optional[Pair] `json:"position,omitzero"`

	// Volume is a linear gain, on top of balance; 0 mutes.
	Volume Optional[float64] `json:"volume,omitzero"`
	// Pan is -1 (left) to +1 (right).
	Pan Optional[float64] `json:"pan,omitzero"`
	// Offset is in milliseconds: where song time 0 falls in the part. Positive trims
	// the head, negative delays.
	Offset Optional[float64] `json:"offset,omitzero"`
	// DriftPPM is how fast the part's clock runs against the backing's, parts per million.
	DriftPPM Optional[float64] `json:"drift_ppm,omitzero"`
	// Reverb is the part's share in the reverb, linear: 1 as the song says, 0 dry.
	Reverb Optional[float64] `json:"reverb,omitzero"`
	// Cleanup lists what is done to the voice: highpass, gate, declick.
	Cleanup []string `json:"cleanup,omitempty"`

	// Rotate turns the picture clockwise, on top of the file's own rotation: 0, 90, 180, 270.
	Rotate Optional[int] `json:"rotate,omitzero"`
	// Crop is the window of the upright picture that is shown: x, y, width and height
	// in shares of it, 0 to 1.
	Crop        Optional[Crop]    `json:"crop,omitzero"`
	Fit         Optional[Fit]     `json:"fit,omitzero"`
	Caption     Optional[bool]    `json:"caption,omitzero"`
	Radius      Optional[int]     `json:"radius,omitzero"`
	Border      Optional[int]     `json:"border,omitzero"`
	BorderColor Optional[RGB]     `json:"border_color,omitzero"`
	FadeMS      Optional[float64] `json:"fade_ms,omitzero"`
}

// Shown reports whether the input has a tile.
func (in *Input) Shown() bool { return !in.Position.IsZero() && !in.Size.IsZero() }

// Defaults returns what an empty Output means, every field said.
func Defaults() Output {
	return Output{
		Size: Some(Pair{1920, 1080}), FPS: Some(FPS{25, 1}), Span: Some(SpanBacking),
		Reverb: Some(0.1), ReverbType: Some("hall"), Panning: Some(true), PanLaw: Some(ConstantPower),
		Loudness: Some(-16.0), TruePeak: Some(-1.0), Balance: Some(BalanceAuto),
		Watermark: Some(""), WatermarkOpacity: Some(1.0),
		Background: Some(RGB{0x14, 0x16, 0x1c}), BackgroundImage: Some(""), Fit: Some(FitContain), Captions: Some(false),
		Radius: Some(0), Border: Some(0), BorderColor: Some(RGB{0xff, 0xff, 0xff}), FadeMS: Some(400.0),
	}
}

// Or returns o with what it leaves out taken from def.
func (o Output) Or(def Output) Output {
	return Output{
		Size: o.Size.OrElse(def.Size), FPS: o.FPS.OrElse(def.FPS), Span: o.Span.OrElse(def.Span),
		Reverb: o.Reverb.OrElse(def.Reverb), ReverbType: o.ReverbType.OrElse(def.ReverbType),
		Panning: o.Panning.OrElse(def.Panning), PanLaw: o.PanLaw.OrElse(def.PanLaw),
		Loudness: o.Loudness.OrElse(def.Loudness), TruePeak: o.TruePeak.OrElse(def.TruePeak),
		Balance: o.Balance.OrElse(def.Balance), Look: o.Look.OrElse(def.Look), Watermark: o.Watermark.OrElse(def.Watermark),
		WatermarkOpacity: o.WatermarkOpacity.OrElse(def.WatermarkOpacity),
		Background:       o.Background.OrElse(def.Background),
		BackgroundImage:  o.BackgroundImage.OrElse(def.BackgroundImage), Fit: o.Fit.OrElse(def.Fit),
		Captions: o.Captions.OrElse(def.Captions), Radius: o.Radius.OrElse(def.Radius),
		Border: o.Border.OrElse(def.Border), BorderColor: o.BorderColor.OrElse(def.BorderColor),
		FadeMS: o.FadeMS.OrElse(def.FadeMS),
	}
}
