package plan

import (
	"encoding/json"
	"time"

	"github.com/choirless/render/definition"
	"github.com/choirless/render/media"
)

// Kind is what an Assignment asks a render node to do.
type Kind string

const (
	// KindIngest reads a raw part: facts, snapshot, converted file, features, level.
	KindIngest Kind = "ingest"
	// KindPicture composes one cell: a stripe over one segment of output frames.
	KindPicture Kind = "picture"
	// KindSound makes a stripe's dry sum over the whole song.
	KindSound Kind = "sound"
	// KindStack decodes the stripes of one segment, stacks and encodes them:
	// the fallback for stripes that cannot be joined in the bitstream.
	KindStack Kind = "stack"
)

// Assignment is one node's slice of a plan: everything a node needs to do its
// work, and nothing it could use to reach the database. It travels as JSON.
// Exactly one of Ingest, Picture, Sound and Stack is set, as Kind says.
type Assignment struct {
	// Key identifies the work, not the attempt: the hash of everything that
	// shapes the result. Two assignments with one Key give the same objects.
	Key  string `json:"key"`
	Kind Kind   `json:"kind"`
	definition.Song
	// Run is the render this was first asked for; empty for an ingest.
	Run string `json:"run,omitempty"`
	// Attempt counts from 1 by the coordinator's own book, not the queue's.
	Attempt int `json:"attempt"`
	// Trace is the span that asked for it, as a W3C traceparent; empty without tracing.
	Trace string `json:"trace,omitempty"`

	// Then are cells that go on where this one ends, each work of its own; whoever
	// does one after the other need not begin to decode anew. Only the outermost has any.
	Then []Assignment `json:"then,omitempty"`

	Ingest  *Ingest  `json:"ingest,omitempty"`
	Picture *Picture `json:"picture,omitempty"`
	Sound   *Sound   `json:"sound,omitempty"`
	Stack   *Stack   `json:"stack,omitempty"`
}

// Out is the object that an assignment of a render makes, zero for an ingest, whose
// objects are named by what they hold.
func (a *Assignment) Out() Ref {
	switch {
	case a.Picture != nil:
		return a.Picture.Out
	case a.Sound != nil:
		return a.Sound.Out
	case a.Stack != nil:
		return a.Stack.Out
	}
	return Ref{}
}

// Ref names an object: the bucket by its role, and the key.
type Ref struct {
	Bucket string `json:"bucket"` // one of the definition.Bucket… roles
	Key    string `json:"key"`
}

// Ingest asks for a part to be read once and put into the common format.
type Ingest struct {
	Part definition.PartID `json:"part_id"`
	// Rotate is a person's correction in degrees clockwise, on top of the file's own.
	Rotate media.Rotation `json:"rotate,omitempty"`
	Raw    Ref            `json:"raw"`
	// ETag is what is said of the recording that this was asked for; another may
	// lie there by now.
	ETag     string `json:"etag,omitempty"`
	Snapshot Ref    `json:"snapshot"` // what to write, beside the converted part and its features
}

// IngestResult is the result of an Ingest that was accepted. A recording that
// can never be used fails with Report.Permanent and the reason instead.
type IngestResult struct {
	Facts    media.Facts `json:"facts"`
	Level    media.Level `json:"level"`
	Snapshot bool        `json:"snapshot"` // false for a part without picture
	Features bool        `json:"features"` // false for a part without usable sound
	Reencode bool        `json:"reencode"` // the picture could not be stream-copied
	// SHA256 of the converted file names it (definition.ConvertedKey) and its
	// features (definition.FeaturesKey).
	SHA256 string `json:"sha256"`
	Bytes  int64  `json:"bytes"` // of the converted file
	// ETag is that of the recording that was read, which may be a newer one than
	// was asked for.
	ETag string `json:"etag,omitempty"`
	// What it cost. CPU time of a process that does several things at once is
	// shared equally among them.
	CPUSeconds float64 `json:"cpu_seconds"`
	Seconds    float64 `json:"seconds"`
	Unusable   string  `json:"unusable,omitempty"` // why the sound cannot be aligned ("silent", "shorter than 2 s")
	// Rests are the stretches without sound, part time, of at least a second each.
	Rests []media.Span `json:"rests_ms,omitempty"`
}

// Segment is a closed-GOP range of output frames, First inclusive.
type Segment struct {
	Index int  `json:"index"`
	First int  `json:"first"`
	Count int  `json:"count"`
	Last  bool `json:"last,omitempty"` // the song ends with it
}

// Fit says how a picture fills its tile.
type Fit string

const (
	Contain Fit = "contain" // all of the picture, background left over
	Cover   Fit = "cover"   // all of the tile, picture cropped in the middle
)

// RGB is an sRGB colour with 8-bit components, R'G'B' order.
type RGB [3]uint8

// Picture asks for one cell: Segment of the stripe that is Height rows high,
// beginning at row Y of the canvas.
type Picture struct {
	Stripe     int             `json:"stripe"`
	Segment    Segment         `json:"segment"`
	Width      int             `json:"width"`
	Y          int             `json:"y"`
	Height     int             `json:"height"`
	Rate       media.FrameRate `json:"rate"`
	Background RGB             `json:"background"`
	Backdrop   *Overlay        `json:"backdrop,omitempty"`
	// Look holds values of the shaders' tunable uniforms.
	Look     map[string]float64 `json:"look,omitempty"`
	Tiles    []PictureTile      `json:"tiles"`
	Overlays []Overlay          `json:"overlays,omitempty"`
	Encoder  Encoder            `json:"encoder"`
	Out      Ref                `json:"out"` // raw H.264 byte stream (Annex B)
}

// PictureTile is one part in a stripe. Its rectangle is in luma pixels of the
// stripe (not the canvas), origin top left.
type PictureTile struct {
	Part      definition.PartID `json:"part_id"`
	Source    Ref               `json:"source"` // converted part
	SHA256    string            `json:"sha256"` // of the source; part of the cell's key
	X         int               `json:"x"`
	Y         int               `json:"y"`
	W         int               `json:"w"`
	H         int               `json:"h"`
	Fit       Fit               `json:"fit"`
	Aspect    float64           `json:"aspect,omitempty"`   // width by height, as seen and not cropped, of the pictures Crop and Fit are for; 0 for any
	Crop      media.Crop        `json:"crop,omitzero"`      // window of the upright picture
	Rotation  media.Rotation    `json:"rotation,omitempty"` // total: the file's own and the person's
	Offset    media.Offset      `json:"offset_ns"`
	DriftPPM  float64           `json:"drift_ppm,omitempty"` // part clock fast against the backing: part time = offset + song time·(1+ppm/1e6)
	Start     time.Duration     `json:"start_ns"`            // first picture, part time
	End       time.Duration     `json:"end_ns"`              // last picture goes off, part time; 0: it stays
	Name      string            `json:"name,omitempty"`      // caption and placeholder
	Caption   bool              `json:"caption,omitempty"`
	Radius    int               `json:"radius,omitempty"` // of the corners, px
	Border    int               `json:"border,omitempty"` // px
	BorderRGB RGB               `json:"border_rgb"`
	// Fade is how long the tile takes to come from and go to its placeholder where
	// the part begins after the song, ends before it, or stands still.
	Fade time.Duration `json:"fade_ns,omitempty"`
	// FreezeAfter is how long one picture may stay before the tile goes to its
	// placeholder; 0 is for ever.
	FreezeAfter time.Duration `json:"freeze_after_ns,omitempty"`
	// Gaps: the placeholder is known to be shown between Start and End.
	Gaps bool `json:"gaps,omitempty"`
}

// Overlay is an image laid over the stripe (watermark), or below its tiles
// (backdrop), in stripe pixels; it may stick out of the stripe, which clips it.
type Overlay struct {
	Image   Ref     `json:"image"`            // PNG or JPEG
	SHA256  string  `json:"sha256,omitempty"` // of the image; part of the cell's key
	X       int     `json:"x"`
	Y       int     `json:"y"`
	W       int     `json:"w"`
	H       int     `json:"h"`
	Opacity float64 `json:"opacity"`
}

// Encoder says how cells are encoded; identical for all cells of a plan.
type Encoder struct {
	// Codec is "" for x264, or "nvenc", which encodes whole pictures only.
	Codec  string  `json:"codec,omitempty"`
	Preset string  `json:"preset"` // x264 preset
	CRF    float64 `json:"crf"`    // final quality, for stripes joined in the bitstream and for Stack
	// MezzanineCRF is used where the encoder cannot keep motion inside a stripe,
	// so that the stripe is encoded once more.
	MezzanineCRF float64 `json:"mezzanine_crf"`
	GOP          int     `json:"gop"`           // frames per closed GOP
	CanvasHeight int     `json:"canvas_height"` // level and VUI are those of the whole canvas
}

// CellResult is the result of a Picture or a Stack.
type CellResult struct {
	Frames int   `json:"frames"`
	Bytes  int64 `json:"bytes"`
	// Stitchable: the encoder kept all motion inside the stripe, seen in the
	// stream's own SEI. Always true for a Stack and for a stripe that is the canvas.
	Stitchable bool `json:"stitchable"`
	// Checked: the stripe was decoded with noise for neighbours. Leaks is how many
	// of its pictures that changed; then it is not Stitchable.
	Checked    bool    `json:"checked,omitempty"`
	Leaks      int     `json:"leaks,omitempty"`
	CPUSeconds float64 `json:"cpu_seconds"`
	Seconds    float64 `json:"seconds"`
	// Warnings name parts whose picture failed on the way and was replaced.
	Warnings []PartWarning `json:"warnings,omitempty"`
}

// PartWarning is something a person should know about one part.
type PartWarning struct {
	Part definition.PartID `json:"part_id"`
	Text string            `json:"text"`
}

// Sound asks for the dry sum of a stripe's voices over the whole song, as 32-bit
// float WAV at media.MixRate: channels 1, 2 the dry sum, and channels 3, 4 the
// reverb send when any voice has a Send other than 1.
type Sound struct {
	Stripe  int     `json:"stripe"` // -1 for hidden and audio-only parts
	Samples int64   `json:"samples"`
	Voices  []Voice `json:"voices"`
	// Rests are where the backing rests, in song time (output frame 0 is 0), for the
	// voices with the clean-up "gate". Without rests their gates stay open.
	Rests []media.Span `json:"rests_ms,omitempty"`
	Out   Ref          `json:"out"`
}

// Voice is one part in the mix.
type Voice struct {
	Part     definition.PartID `json:"part_id"`
	Source   Ref               `json:"source"` // converted part
	SHA256   string            `json:"sha256"`
	Offset   media.Offset      `json:"offset_ns"`
	DriftPPM float64           `json:"drift_ppm,omitempty"`
	Gain     float64           `json:"gain"`              // linear: volume times automatic balance
	Pan      float64           `json:"pan"`               // -1 left .. +1 right
	PanLaw   string            `json:"pan_law,omitempty"` // "" is constant power, -3 dB centre
	Send     float64           `json:"send"`              // reverb send, linear, 1 as the song says
	Cleanup  []string          `json:"cleanup,omitempty"` // "highpass", "gate", "declick"
	// GateDB, of a voice with the clean-up "gate", is the level in dBFS RMS above which
	// the voice sounds; see Sound.Rests.
	GateDB float64 `json:"gate_dbfs,omitempty"`
}

// SoundResult is the result of a Sound.
type SoundResult struct {
	Samples    int64         `json:"samples"`
	Channels   int           `json:"channels"`
	CPUSeconds float64       `json:"cpu_seconds"`
	Seconds    float64       `json:"seconds"`
	Warnings   []PartWarning `json:"warnings,omitempty"`
}

// Stack asks for the stripes of one segment to be decoded, put on top of each
// other and encoded as whole pictures.
type Stack struct {
	Segment Segment         `json:"segment"`
	Width   int             `json:"width"`
	Height  int             `json:"height"`
	Rate    media.FrameRate `json:"rate"`
	Stripes []StackStripe   `json:"stripes"` // top to bottom, covering Height
	Encoder Encoder         `json:"encoder"`
	Out     Ref             `json:"out"`
}

// StackStripe is one stripe of a Stack.
type StackStripe struct {
	Source Ref `json:"source"`
	Height int `json:"height"`
}

// ReportState is what a Report says of its assignment.
type ReportState string

const (
	ReportStarted  ReportState = "started"
	ReportProgress ReportState = "progress"
	ReportDone     ReportState = "done"
	ReportFailed   ReportState = "failed"
	// ReportReturned: the assignment is not done and nobody's fault; whoever said so has
	// handed its message back to the queue.
	ReportReturned ReportState = "returned"
	// ReportNode is not about an assignment: About says what the node is, nil that it
	// stops.
	ReportNode ReportState = "node"
)

// Report is what a node sends back over the report queue. Late and duplicate
// reports are harmless: they are matched by Key.
type Report struct {
	Key  string `json:"key"`
	Kind Kind   `json:"kind"`
	definition.Song
	Run     string `json:"run,omitempty"`
	Attempt int    `json:"attempt"`
	// Delivery tells the times apart that one attempt was taken from the queue: reports
	// may overtake each other.
	Delivery string      `json:"delivery,omitempty"`
	Node     string      `json:"node"`
	State    ReportState `json:"state"`
	Percent  float64     `json:"percent"`         // 0..100
	Error    string      `json:"error,omitempty"` // why it failed, or was handed back
	// Permanent: trying again cannot help.
	Permanent bool `json:"permanent,omitempty"`
	// Gone: an object was not there that the assignment reads.
	Gone bool `json:"gone,omitempty"`
	// Part is the part to blame, if one is, or the one being ingested.
	Part definition.PartID `json:"part_id,omitempty"`
	// Stripe and Segment are the task's, for people.
	Stripe  int             `json:"stripe,omitempty"`
	Segment int             `json:"segment,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"` // IngestResult, CellResult or SoundResult
	About   *Node           `json:"about,omitempty"`
}
