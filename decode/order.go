package decode

import (
	"errors"
	"io"
	"time"

	"github.com/choirless/render/internal/av"
	"github.com/choirless/render/media"
)

// Bounds of patience with broken pictures.
const (
	maxBadPackets = 2000
	// maxUntimed is how many pictures without a timestamp may wait for one
	// that has one.
	maxUntimed = 32
)

// next returns the next picture in display order, which is the caller's to release.
func (v *Video) next() (*picture, error) {
	p, err := v.inOrder()
	var failed *cardError
	if errors.As(err, &failed) {
		return v.replace(failed.err)
	}
	return p, err
}

// inOrder is next without libav's own decoder to take a card's place.
func (v *Video) inOrder() (*picture, error) {
	for len(v.queue) == 0 || !v.queue[0].timed {
		if v.ended {
			if len(v.queue) == 0 {
				return nil, io.EOF
			}
			v.timeForward()
			break
		}
		p, err := v.decode()
		if err == io.EOF {
			v.ended = true
			continue
		}
		if err != nil {
			return nil, err
		}
		if !v.stamp(p) {
			v.release(p)
			continue
		}
		v.queue = append(v.queue, p)
		if p.timed {
			v.timeBackward()
		} else if v.count > 0 || len(v.queue) > maxUntimed {
			v.timeForward()
		}
	}
	p := v.queue[0]
	v.queue = v.queue[:copy(v.queue, v.queue[1:])]
	// Time never goes back: a picture that claims to be earlier than the one
	// before it is shown as soon as that has been.
	if v.count > 0 && p.time < v.prev {
		p.time = v.prev
	}
	v.prev = p.time
	v.count++
	return p, nil
}

// stamp gives p its part time, if it has one; false means that it is not to be
// shown at all.
func (v *Video) stamp(p *picture) bool {
	if v.rate.Num > 0 {
		p.time, p.timed = v.rate.Time(v.count+len(v.queue)), true
		return true
	}
	p.length = v.st.TimeBase.Duration(media.PTS(p.f.Duration()))
	t := p.f.PTS()
	if t == av.NoPTS {
		return true
	}
	p.time, p.timed = v.src.partTime(v.st, t), true
	// What an edit list cuts off lies before the part's first timestamp. The
	// slack is for timestamps rounded to milliseconds.
	if p.time < -2*time.Millisecond {
		return false
	}
	p.time = max(p.time, 0)
	return true
}

// timeBackward times the pictures at the head of the queue that precede the
// first timestamp of the stream.
func (v *Video) timeBackward() {
	for i := len(v.queue) - 2; i >= 0 && !v.queue[i].timed; i-- {
		p := v.queue[i]
		p.time, p.timed = max(v.queue[i+1].time-v.length(p), 0), true
	}
}

// timeForward times the pictures at the head of the queue that follow one with
// a timestamp, or that will never have one.
func (v *Video) timeForward() {
	at := v.prev
	if v.count == 0 {
		at = -v.length(v.queue[0])
	}
	for _, p := range v.queue {
		if !p.timed {
			p.time, p.timed = at+v.length(p), true
		}
		at = p.time
	}
}

func (v *Video) length(p *picture) time.Duration {
	if p.length > 0 {
		return p.length
	}
	return v.typ
}

// decode returns the decoder's next picture. Packets that it cannot make
// anything of are counted and left out.
func (v *Video) decode() (*picture, error) {
	if v.card != nil {
		return v.decodeOnCard()
	}
	p := v.blank()
	for {
		err := v.decoder.Receive(p.f)
		switch {
		case err == nil:
			return p, nil
		case err == av.ErrAgain:
			err = v.send()
		case err != io.EOF && isAV(err):
			err = v.forgive(err)
		}
		if err != nil {
			v.release(p)
			return nil, err
		}
	}
}

// send gives the decoder its next packet.
func (v *Video) send() error {
	p, skip, err := v.feed.next()
	if err == io.EOF {
		p, err = nil, nil
	}
	if err != nil {
		return err
	}
	if v.feed.wanted != nil {
		v.decoder.SkipUnreferenced(skip)
	}
	err = v.decoder.Send(p)
	if err == av.ErrAgain {
		v.feed.again() // it has a picture to give first
		return nil
	}
	if err != nil && err != io.EOF && isAV(err) {
		return v.forgive(err)
	}
	return err
}

// forgive counts a packet that could not be decoded.
func (v *Video) forgive(err error) error {
	if v.bad++; v.bad > maxBadPackets {
		return err
	}
	return nil
}

// seek makes the next picture one at or before part time t, or the first.
//
// An index may be coarse or wrong, so the result is looked at: as long as it is
// late, go further back, at last to the beginning.
func (v *Video) seek(t time.Duration) error {
	for back := time.Duration(0); ; back = max(2*back, time.Second) {
		target := max(t-back, 0)
		if err := v.restart(target); err != nil {
			return err
		}
		p, err := v.next()
		if err == io.EOF && target > 0 {
			continue
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if p.time <= t || target == 0 {
			v.queue = append([]*picture{p}, v.queue...)
			v.count--
			return nil
		}
		v.release(p)
	}
}

// restart continues decoding from the last keyframe at or before t.
func (v *Video) restart(t time.Duration) error {
	for _, p := range v.queue {
		v.release(p)
	}
	v.queue, v.ended, v.count, v.prev = v.queue[:0], false, 0, 0
	v.from = t
	v.card.stop()
	v.decoder.Flush()
	v.feed.flush()
	if t > 0 {
		err := v.src.seek(v.st, t)
		if err == nil || !isAV(err) {
			return err
		}
	}
	if err := v.src.rewind(); err != nil {
		return err
	}
	if v.src.video == nil {
		return ErrNoVideo // the file changed under us
	}
	v.src.only(av.KindVideo)
	v.st = v.src.video
	v.feed.st = v.st
	return nil
}
