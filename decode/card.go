package decode

import (
	"errors"
	"fmt"
	"io"

	"github.com/choirless/render/internal/av"
	"github.com/choirless/render/media"
)

// A recording is decoded on a card only as far as that is beyond doubt. At the first
// sign that it is not, the recording is read again by libav's own decoder from where
// it was begun, and goes on with the picture that is due: none is lost, none comes
// twice, and the pictures before it were the same. Signs are
//
//   - an error, or a complaint that libav logs: a driver's error while decoding may
//     reach us in no other way;
//   - a first picture that is not, in every sample, what libav's own decoder makes of
//     the first packet, or a later one of another shape;
//   - packets that not all decoders take alike: damaged, cut off by an edit list,
//     without a timestamp, with new parameters.
//
// What a picture says of itself besides its samples (colour, siting, aspect) is taken
// from libav's own decoder: NVDEC's parser fills in what the stream leaves open.

// candidate is a decoder that may take the place of libav's own.
type candidate struct {
	library string // libav's name
	options []av.Option
}

// card decodes the pictures of one recording in place of libav's own decoder.
type card struct {
	*candidate
	d     *av.Decoder // nil before the first packet after an opening or a seek
	model *av.Frame   // the first picture by libav's own decoder, until it is compared
	shape av.Shape    // of all pictures
	tags  *media.Frame
}

// cardError says why a card is not used for a recording, or no longer.
type cardError struct{ err error }

func (e *cardError) Error() string { return e.err.Error() }
func (e *cardError) Unwrap() error { return e.err }

// suits reports whether a recording is of the kind that the clips are of. NVDEC counts
// time in units of 100 ns: a clock that is finer would not come back as it was.
func suits(st *av.Stream) bool {
	return st.TimeBase.Den <= 5_000_000*st.TimeBase.Num && st.Planar && st.Depth == 8 && st.SubX == 1 && st.SubY == 1
}

// stop forgets all, as before a seek.
func (c *card) stop() {
	if c == nil {
		return
	}
	c.d.Close()
	c.model.Close()
	c.d, c.model = nil, nil
}

// decodeOnCard is decode while there is a card. Errors of the card are *cardError,
// those of reading are not.
func (v *Video) decodeOnCard() (*picture, error) {
	p := v.blank()
	for {
		err := v.stepOnCard(p)
		if err == nil {
			return p, nil
		}
		if err != av.ErrAgain {
			v.release(p)
			return nil, err
		}
	}
}

// stepOnCard receives a picture, or else sends a packet and returns ErrAgain.
func (v *Video) stepOnCard(p *picture) error {
	c := v.card
	if c.d != nil {
		err := c.d.Receive(p.f)
		if err == nil {
			err = v.checkPicture(p)
		}
		if err != av.ErrAgain {
			return c.judge(err)
		}
	}
	packet, _, err := v.feed.next()
	if err == io.EOF {
		packet, err = nil, nil
	}
	if err != nil {
		return err
	}
	if err := plain(packet); err != nil {
		return &cardError{err}
	}
	if c.d == nil {
		if err := v.startCard(packet); err != nil {
			return &cardError{err}
		}
	}
	err = c.d.Send(packet)
	if err == av.ErrAgain {
		v.feed.again()
		err = nil
	}
	if err = c.judge(err); err != nil {
		return err
	}
	return av.ErrAgain
}

// judge makes a *cardError of an error, and of what libav complains of.
func (c *card) judge(err error) error {
	if said := c.d.Messages(); len(said) > 0 && (err == nil || err == io.EOF) {
		err = errors.New(said[0])
	}
	if err == nil || err == io.EOF {
		return err
	}
	return &cardError{err}
}

// plain reports what is odd about a packet; nil, the end, is not.
func plain(p *av.Packet) error {
	switch {
	case p == nil:
		return nil
	case p.PTS() == av.NoPTS:
		return errors.New("a packet without a timestamp")
	case p.Discard():
		return errors.New("an edit list cuts pictures off")
	case p.Corrupt():
		return errors.New("a damaged packet")
	case p.NewConfig():
		return errors.New("the stream's parameters change")
	}
	return nil
}

// startCard opens the card's decoder, after libav's own has decoded the first packet
// as the only one. The next restart has that forget it.
func (v *Video) startCard(first *av.Packet) (err error) {
	c := v.card
	if first == nil || !first.Key() {
		return errors.New("does not begin with a keyframe")
	}
	c.model = av.NewFrame()
	for _, p := range []*av.Packet{first, nil} {
		if err = v.decoder.Send(p); err != nil {
			break
		}
	}
	if err == nil {
		err = v.decoder.Receive(c.model)
	}
	if err != nil {
		return fmt.Errorf("first packet, in software: %w", err)
	}
	c.shape = c.model.Shape()
	c.tags = &media.Frame{SAR: v.st.SAR}
	if !c.model.Picture(c.tags) || c.shape.Depth != 8 || c.shape.SubX != 1 || c.shape.SubY != 1 || c.shape.Components != 3 {
		return errors.New("not 4:2:0 of 8 bits")
	}
	c.d, err = av.NewDecoderByName(v.st, c.library, c.options...)
	return err
}

// checkPicture compares a picture with what it must be like.
func (v *Video) checkPicture(p *picture) error {
	c := v.card
	if s := p.f.Shape(); s != c.shape {
		return fmt.Errorf("picture of %+v, want %+v", s, c.shape)
	}
	p.tags = c.tags
	if c.model == nil {
		return nil
	}
	var got media.Frame
	if err := v.planes(p, &got); err != nil {
		return err
	}
	got.Color, got.Siting, got.SAR = c.tags.Color, c.tags.Siting, c.tags.SAR
	if err := sameFrame(c.tags, &got); err != nil {
		return fmt.Errorf("first picture: %w", err)
	}
	c.model.Close()
	c.model = nil
	// The planes went with the model; the tags stay.
	c.tags = &media.Frame{Color: c.tags.Color, Siting: c.tags.Siting, SAR: c.tags.SAR}
	p.tags = c.tags
	return nil
}

// replace goes on with libav's own decoder, and returns the next picture.
func (v *Video) replace(why error) (*picture, error) {
	v.card.stop()
	v.card, v.fallback = nil, why
	// Cards do not leave out what nobody wants, so that all pictures count.
	due, wanted := v.count, v.feed.wanted
	v.feed.wanted = nil
	defer func() { v.feed.wanted = wanted }()
	if err := v.restart(v.from); err != nil {
		return nil, err
	}
	for range due {
		p, err := v.inOrder()
		if err != nil {
			return nil, err
		}
		v.release(p)
	}
	return v.inOrder()
}
