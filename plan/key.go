package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/choirless/render/definition"
	"github.com/choirless/render/media"
)

// RendererVersion is part of every key. Raise it whenever the same assignment would
// give other pixels, other samples or another stream.
const RendererVersion = "5"

// A key is the hash of everything that shapes a result and of nothing else, so that
// a node's result can be used by every later plan that asks for the same. What is
// left out, and why:
//
//	where the source lies      its SHA-256 says what it is
//	run, attempt, stripe index they say who asked
//	a stripe's y               its pixels are counted from its own top
//	segment index              first frame and count say it
//	gain, pan, send            of a picture; geometry of a sound
//	name                       when the segment shows neither caption nor placeholder,
//	                           as far as is known (a picture may turn out to be broken)
//	start and end of a picture when the part covers the whole segment

// shape is what is hashed. Song is part of it because results lie under the song.
type shape struct {
	Version string
	Kind    Kind
	definition.Song
	Picture *Picture `json:",omitempty"`
	Sound   *Sound   `json:",omitempty"`
	Ingest  *Ingest  `json:",omitempty"`
	Stack   *Stack   `json:",omitempty"`
	Keys    []string `json:",omitempty"` // of the cells of a stack
	Source  string   `json:",omitempty"` // checksum of a raw object
}

// keyBytes is how much of the SHA-256 makes a key: 16 bytes, so that among 10^12
// cells two share a key with a chance of about 10^-15.
const keyBytes = 16

func (s shape) key() string {
	b, err := json.Marshal(s)
	if err != nil {
		panic("plan: internal error: " + err.Error()) // NaN or infinity, which Validate refuses
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:keyBytes])
}

// pictureKey returns the key of a cell.
func (p *Plan) pictureKey(pic Picture) string {
	pic.Stripe, pic.Y, pic.Out = 0, 0, Ref{}
	pic.Segment = pic.Segment.shape()
	tiles := make([]PictureTile, len(pic.Tiles))
	for i, t := range pic.Tiles {
		t.Source = Ref{}
		if t.covers(pic.Segment, p.Rate) {
			t.Start, t.End, t.Fade = 0, 0, 0
			if !t.Caption {
				t.Name = ""
			}
		}
		tiles[i] = t
	}
	pic.Tiles = tiles
	overlays := make([]Overlay, len(pic.Overlays))
	for i, o := range pic.Overlays {
		overlays[i] = o.shape()
	}
	pic.Overlays = overlays
	if pic.Backdrop != nil {
		b := pic.Backdrop.shape()
		pic.Backdrop = &b
	}
	return shape{Version: p.Version, Kind: KindPicture, Song: p.Song, Picture: &pic}.key()
}

// shape is the segment without what does not shape its pixels.
func (s Segment) shape() Segment { return Segment{First: s.First, Count: s.Count} }

// shape is the overlay without what does not shape its pixels.
func (o Overlay) shape() Overlay {
	if o.SHA256 != "" {
		o.Image = Ref{}
	}
	return o
}

// covers reports whether the part shows its own picture, unfaded, in every frame of
// the segment, a margin of one second included for the sampling rule.
func (t PictureTile) covers(s Segment, rate media.FrameRate) bool {
	at := func(n int) time.Duration {
		song := rate.Time(n)
		return time.Duration(t.Offset) + song + time.Duration(float64(song)*t.DriftPPM/1e6)
	}
	return !t.Gaps && at(s.First) >= t.Start+t.Fade+time.Second && (t.End == 0 || at(s.First+s.Count)+t.Fade+time.Second <= t.End)
}

// soundKey returns the key of a dry sum.
func (p *Plan) soundKey(s Sound) string {
	s.Stripe, s.Out = 0, Ref{}
	voices := make([]Voice, len(s.Voices))
	for i, v := range s.Voices {
		v.Source = Ref{}
		voices[i] = v
	}
	s.Voices = voices
	return shape{Version: p.Version, Kind: KindSound, Song: p.Song, Sound: &s}.key()
}

// NewIngest returns the assignment to read one upload. checksum stands for its bytes
// (an ETag, or a hash); rotate is a person's correction.
func NewIngest(raw definition.RawKey, checksum string, rotate media.Rotation) Assignment {
	in := &Ingest{
		Part: raw.Part, Rotate: rotate,
		Raw:      Ref{definition.BucketRaw, raw.String()},
		Snapshot: Ref{definition.BucketSnapshots, raw.Snapshot()},
	}
	key := shape{Version: RendererVersion, Kind: KindIngest, Song: raw.Song, Ingest: in, Source: checksum}.key()
	in.ETag = checksum
	return Assignment{Key: key, Kind: KindIngest, Song: raw.Song, Attempt: 1, Ingest: in}
}

// Picture returns the assignment of one cell. Both indexes must be in range.
func (p *Plan) Picture(stripe, segment int) Assignment {
	s, seg := p.Stripes[stripe], p.Segments[segment]
	pic := Picture{
		Stripe: s.Index, Segment: seg, Width: p.Width, Y: s.Y, Height: s.Height, Rate: p.Rate,
		Background: p.Background, Backdrop: s.Backdrop, Look: p.Look, Tiles: s.Tiles, Overlays: s.Overlays, Encoder: p.Encoder,
	}
	key := p.pictureKey(pic)
	pic.Out = p.cell(key, "h264")
	return p.assignment(KindPicture, key, func(a *Assignment) { a.Picture = &pic })
}

// Sound returns the assignment of Sounds[i].
func (p *Plan) Sound(i int) Assignment {
	s := p.Sounds[i]
	key := p.soundKey(s)
	s.Out = p.cell(key, "wav")
	return p.assignment(KindSound, key, func(a *Assignment) { a.Sound = &s })
}

// Stack returns the assignment that stacks a segment's stripes: the way for stripes
// that cannot be joined in the bitstream.
func (p *Plan) Stack(segment int) Assignment {
	st := Stack{Segment: p.Segments[segment], Width: p.Width, Height: p.Height, Rate: p.Rate, Encoder: p.Encoder}
	keyed := st
	keyed.Segment = keyed.Segment.shape()
	s := shape{Version: p.Version, Kind: KindStack, Song: p.Song, Stack: &keyed}
	for i, stripe := range p.Stripes {
		cell := p.Picture(i, segment)
		st.Stripes = append(st.Stripes, StackStripe{Source: cell.Picture.Out, Height: stripe.Height})
		s.Keys = append(s.Keys, cell.Key)
	}
	key := s.key()
	st.Out = p.cell(key, "h264")
	return p.assignment(KindStack, key, func(a *Assignment) { a.Stack = &st })
}

// Assignments returns all cells, after all sounds, which take part in the first
// second already: those of abreast stripes in the order of time, top to bottom, then
// those of the stripes below. 0 is all stripes, so that a preview can grow; with
// fewer, decoders of fewer parts are open at once.
func (p *Plan) Assignments(abreast int) []Assignment {
	var out []Assignment
	for i := range p.Sounds {
		out = append(out, p.Sound(i))
	}
	if abreast <= 0 {
		abreast = len(p.Stripes)
	}
	for first := 0; first < len(p.Stripes); first += abreast {
		for k := range p.Segments {
			for r := first; r < min(first+abreast, len(p.Stripes)); r++ {
				out = append(out, p.Picture(r, k))
			}
		}
	}
	return out
}

func (p *Plan) cell(key, ext string) Ref {
	return Ref{definition.BucketFinalParts, definition.CellKey{Song: p.Song, Hash: key, Ext: ext}.String()}
}

func (p *Plan) assignment(k Kind, key string, set func(*Assignment)) Assignment {
	a := Assignment{Key: key, Kind: k, Song: p.Song, Run: p.Run, Attempt: 1}
	set(&a)
	return a
}
