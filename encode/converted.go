package encode

import (
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/choirless/render/internal/av"
	"github.com/choirless/render/media"
)

// OriginTag marks a file whose streams are on part time; package decode, which
// need not look for the origin then, has the same constant.
const OriginTag = "CHOIR_PART_TIME"

// A picture that must be coded once more keeps all that can be seen: x264 at
// this rate factor is transparent, and the preset is quick, since the file is
// read a few times and then forgotten. Keyframes are close, for segments.
const (
	reencodeCRF    = "14"
	reencodePreset = "superfast"
	reencodeGOP    = 50
)

// clusterLimit bounds Matroska's clusters, bytes. libav collects one in memory that it
// takes anew for each file and grows by half at a time, copying; without a bound it comes
// to 5 s of PCM and picture, 2 MB.
const clusterLimit = "131072"

// ConvertedOptions say what a converted part holds.
type ConvertedOptions struct {
	// Picture is the stream whose coded pictures are taken over; or else Like is
	// a picture of the size and format that WritePicture will be given.
	Picture *av.Stream
	Like    *media.Frame
	// Rotation turns the stored picture upright.
	Rotation media.Rotation
	// Channels of the sound at media.MixRate: 0, 1 or 2.
	Channels int
	// PCM leaves the sound uncompressed. FLAC spares two thirds of its bytes, which
	// counts where every one of them is moved, and costs a sixth of an ingest.
	PCM bool
	// Threads is how many threads the encoder of pictures may use; 0 means 1.
	Threads int
}

// Converted writes a part in the common format: Matroska with cues and duration,
// timestamps in milliseconds from the part's origin, sound as 24-bit FLAC or PCM
// at media.MixRate whose sample 0 is part time 0. Not safe for concurrent use.
type Converted struct {
	m       *av.Muxer
	sound   *sound
	picture *recoder
	stream  int // of the pictures
	err     error
	closed  bool
}

// NewConverted starts a file on w, which is not closed.
func NewConverted(w io.WriteSeeker, o ConvertedOptions) (_ *Converted, err error) {
	c := &Converted{}
	defer func() {
		if err != nil {
			c.free()
			err = fmt.Errorf("encode: converted part: %w", err)
		}
	}()
	// avoid_negative_ts would move everything when decoding times precede zero.
	// Nobody reads the checksums of Matroska's clusters: the object has a SHA-256.
	c.m, err = av.NewMuxer(w, "matroska",
		av.Option{Key: "avoid_negative_ts", Value: "disabled"}, av.Option{Key: "write_crc32", Value: "0"},
		av.Option{Key: "cluster_size_limit", Value: clusterLimit})
	if err != nil {
		return nil, err
	}
	if err := c.m.Tag(av.Option{Key: OriginTag, Value: "1"}); err != nil {
		return nil, err
	}
	var tags []av.Option
	if o.Rotation != 0 {
		tags = append(tags, av.Option{Key: "ROTATE", Value: strconv.Itoa(int(o.Rotation))})
	}
	switch {
	case o.Picture != nil:
		c.stream, err = c.m.AddCopy(o.Picture, tags...)
	case o.Like != nil:
		if c.picture, err = newRecoder(o.Like, o.Threads); err == nil {
			c.stream, err = c.m.AddEncoded(c.picture.e, tags...)
		}
	}
	if err != nil {
		return nil, err
	}
	if o.Channels > 0 {
		e, err := newSoundEncoder(o)
		if err != nil {
			return nil, err
		}
		c.sound = &sound{e: e, packet: av.NewPacket(), pending: newBlocks(o.Channels, flacBlock)}
		if c.sound.stream, err = c.m.AddEncoded(e); err != nil {
			return nil, err
		}
	}
	return c, c.m.Start()
}

func newSoundEncoder(o ConvertedOptions) (*av.Encoder, error) {
	if o.PCM {
		return av.NewEncoder(av.EncoderOptions{Codec: "pcm_s24le", SampleRate: media.MixRate, Channels: o.Channels})
	}
	return newFLACEncoder(media.MixRate, o.Channels)
}

// WriteCoded takes over a coded picture, whose times are in tb.
func (c *Converted) WriteCoded(p *av.Packet, tb media.TimeBase) error {
	if c.err == nil {
		c.err = c.m.Write(c.stream, p, tb)
	}
	return c.err
}

// WritePicture encodes f, which is shown at f.Time.
func (c *Converted) WritePicture(f *media.Frame) error {
	if c.err == nil {
		c.err = c.picture.write(f, c.m, c.stream)
	}
	return c.err
}

// WriteSound appends b, which must be at media.MixRate; samples beyond full
// scale are clipped.
func (c *Converted) WriteSound(b media.Block) error {
	if c.err == nil && b.Len() > 0 {
		c.err = c.sound.write(c.m, b)
	}
	return c.err
}

// Close finishes the file and frees everything. It may be called more than
// once, and returns the first error of the file.
func (c *Converted) Close() error {
	if c.closed {
		return c.err
	}
	c.closed = true
	if c.err == nil && c.picture != nil {
		c.err = c.picture.finish(c.m, c.stream)
	}
	if c.err == nil && c.sound != nil {
		c.err = c.sound.finish(c.m)
	}
	if c.err == nil {
		c.err = c.m.Finish()
	}
	c.free()
	return c.err
}

// Discard frees everything and leaves the file incomplete.
func (c *Converted) Discard() {
	if !c.closed {
		c.closed = true
		c.err = errors.New("encode: converted part: discarded")
		c.free()
	}
}

func (c *Converted) free() {
	c.m.Close()
	if c.sound != nil {
		c.sound.close()
	}
	if c.picture != nil {
		c.picture.close()
	}
}
