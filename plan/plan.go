package plan

import (
	"time"

	"github.com/choirless/render/definition"
	"github.com/choirless/render/media"
)

// Plan is what a definition comes to, once the parts are known: the canvas, its
// stripes and segments, and who sounds where. It is plain data; the same inputs
// give the same bytes. Not safe for concurrent change; safe for concurrent reading.
type Plan struct {
	// Version is the renderer's, part of every key; see RendererVersion.
	Version string `json:"version"`
	definition.Song
	Name string `json:"name"` // of the definition
	Run  string `json:"run,omitempty"`

	Width   int             `json:"width"`
	Height  int             `json:"height"`
	Rate    media.FrameRate `json:"rate"`
	Frames  int             `json:"frames"`
	Samples int64           `json:"samples"` // at media.MixRate, as long as Frames
	// Start is the song time of output frame 0: 0, or less when the span is the
	// union and someone begins before the backing. Offsets below have it inside.
	Start media.Offset `json:"start_ns"`
	// Backing is the part whose time line is the song's; empty when it was dropped.
	Backing definition.PartID `json:"backing,omitempty"`

	Background RGB `json:"background"`
	// Look holds values of the shaders' tunable uniforms, those not at their default.
	Look     map[string]float64 `json:"look,omitempty"`
	Stripes  []Stripe           `json:"stripes"` // top to bottom, covering Height
	Segments []Segment          `json:"segments"`
	// Sounds has one entry per stripe with voices, then -1 for hidden and audio-only parts.
	Sounds  []Sound `json:"sounds"`
	Encoder Encoder `json:"encoder"`
	Master  Master  `json:"master"`
	// Warnings name parts that were dropped or will look or sound odd.
	Warnings []PartWarning `json:"warnings,omitempty"`
}

// Stripe is a full-width band of the canvas, composed on its own: Height rows from
// row Y down. Y is a multiple of 16, and so is Height for all but the last.
type Stripe struct {
	Index    int           `json:"index"`
	Y        int           `json:"y"`
	Height   int           `json:"height"`
	Tiles    []PictureTile `json:"tiles,omitempty"`    // in stripe pixels
	Backdrop *Overlay      `json:"backdrop,omitempty"` // below the tiles, in stripe pixels
	Overlays []Overlay     `json:"overlays,omitempty"` // in stripe pixels
}

// Master is what the finish does to the sum of the sounds.
type Master struct {
	Room    string  `json:"room"`         // reverb preset or impulse response; unused when Wet is 0
	Wet     float64 `json:"wet"`          // 0 dry .. 1
	Target  float64 `json:"target_lufs"`  // integrated loudness
	Ceiling float64 `json:"ceiling_dbtp"` // true peak
	Balance bool    `json:"balance"`      // voices were levelled automatically
}

// Part is what is known of a part when a plan is made.
type Part struct {
	Facts     media.Facts
	Converted Ref    // the part in the common format
	SHA256    string // of the converted object
	// Rests are where the part is silent, part time, and GateDB is the level in
	// dBFS RMS above which it sounds.
	Rests  []media.Span
	GateDB float64
	// Rejected is why the recording can never be used; the part is then dropped.
	Rejected string
}

// Image is a picture to lay over or under the canvas.
type Image struct {
	Ref           Ref
	SHA256        string
	Width, Height int // px
}

// Options are what New needs beside the definition.
type Options struct {
	// Name is the definition's, AutoName when empty. Run is the render's id.
	Name, Run string
	// Parts holds what is known of each part. A part that is missing here, or
	// rejected, is dropped with a warning.
	Parts map[definition.PartID]Part
	// Backing names the backing when the definition marks none; else the first
	// part by id is taken.
	Backing definition.PartID
	// Gains is the automatic balance, linear, on top of volume; a part that is
	// missing has 1. Not used when the definition says balance off.
	Gains map[definition.PartID]float64
	// Watermark is the image the definition names; nil for none.
	Watermark *Image
	// BackgroundImage is the image the definition names; nil for none.
	BackgroundImage *Image
	// Segment is how long a segment is, SegmentDefault when 0.
	Segment time.Duration
	// Encoder's zero fields are taken from EncoderDefault.
	Encoder Encoder
	// Version replaces RendererVersion, for tests.
	Version string
}

// Defaults of Options.
const (
	SegmentDefault = 10 * time.Second
	// shortest is what is left of a song for a segment of its own; a shorter rest
	// joins the segment before it.
	shortest = 2 * time.Second
)

// EncoderDefault is how cells are encoded unless told otherwise. GOP 0 means that
// every cell is one GOP, the longest a segment of the default length can be: cells
// are what is joined and replaced, and every GOP costs a whole picture.
var EncoderDefault = Encoder{Preset: "superfast", CRF: 22.2, MezzanineCRF: 12}

// SongPart is what FromSong needs of one part.
type SongPart struct {
	Doc definition.Part
	// Facts is nil for a part that is not to be used; Rejected then says why.
	Facts    *media.Facts
	Rejected string
	// Offset and DriftPPM are the aligner's, or a person's.
	Offset   media.Offset
	DriftPPM float64
}

// AutoOptions are the choices of an automatic definition.
type AutoOptions struct {
	Output definition.Output        // what is left out gets its default, written down
	Layout definition.LayoutOptions // what is left out gets its default
	// Previous is the definition this one follows, if any. When it shows as many parts,
	// a new take under another id gets the tile of the one that is gone. Otherwise it
	// is not looked at: the layout must not depend on the order parts arrived in.
	Previous *definition.Definition
}
