package decode

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/choirless/render/internal/av"
	"github.com/choirless/render/media"
)

// Sound is placed on the part's time line by counting samples, because a sound
// card's clock is steadier than the timestamps a browser writes: those jitter,
// and jump although no sample is missing. Chromium on a loaded machine wrote
// jumps of 10..40 ms, 90 ms in all over 25 s, into music that cross-correlates
// at one and the same lag from end to end. Only when timestamp and count
// disagree by more than reanchor is something really missing (silence fills the
// gap) or there twice (the overlap is dropped).
//
// 100 ms is what ffmpeg's aresample allows before it does the same
// (min_hard_comp), and about where sound ahead of the picture becomes
// unacceptable (90 ms, ITU-R BT.1359-1).
const (
	reanchor = 100 * time.Millisecond
	// noteworthy is the disagreement that is worth a warning.
	noteworthy = 20 * time.Millisecond
	// reanchorLost is the bound after a packet that could not be decoded, when a
	// gap is known to be there.
	reanchorLost = 2 * time.Millisecond
	// longestGap and longestOverlap bound what a timestamp may claim. Beyond
	// them the clock itself was reset, and counting goes on.
	longestGap     = 10 * time.Minute
	longestOverlap = 2 * time.Second
	// preroll is how far before the goal of a seek decoding starts, for codecs
	// that need earlier packets to get going (80 ms in Opus, RFC 6716).
	preroll = 200 * time.Millisecond
	// silenceBlock is how long a block of filled-in silence may be, in samples.
	silenceBlock = 1 << 15
)

// Audio reads the sound of one recording as planar float32 at its native rate,
// contiguous from part time 0. Not safe for concurrent use.
type Audio struct {
	src     *source
	st      *av.Stream
	decoder *av.Decoder
	feed    feed
	frame   *av.Frame
	rate    media.SampleRate
	fold    fold
	out     [][]float32

	next     int64 // sample frame that Read returns next
	silence  int64 // sample frames of silence due before the frame
	from     int   // what is left of the frame: [from, to)
	to       int
	anchored bool
	until    int64 // sample frames before this one are decoded but left out
	lost     bool
	ended    bool
	closed   bool

	bad, gaps, overlaps, resets int
	apart                       int64 // largest disagreement that was let pass, sample frames
}

// OpenAudio opens the sound of a recording. src is read until Close and is not
// closed. Errors: ErrNoAudio, *RejectError, or of reading.
func OpenAudio(ctx context.Context, src io.ReadSeeker) (*Audio, error) {
	s, err := openSource(ctx, src)
	if err != nil {
		return nil, err
	}
	if s.audio == nil {
		s.close()
		return nil, ErrNoAudio
	}
	st := s.audio
	// The picture's index is the better one to seek by, so it stays open.
	if s.video != nil && !s.converted {
		s.only(av.KindAudio)
	} else {
		s.d.Only(st.Index)
	}
	a, err := newAudio(s, st)
	if err != nil {
		s.close()
		return nil, err
	}
	return a, nil
}

func newAudio(s *source, st *av.Stream) (*Audio, error) {
	// It would begin with as much silence.
	if wrong := tooLong(s.audioStart - s.origin); s.hasAudioStart && wrong != "" {
		return nil, fmt.Errorf("decode: sound: %s", wrong)
	}
	dec, err := av.NewDecoder(st, 1)
	if err != nil {
		return nil, err
	}
	channels := st.Channels
	if channels > 2 {
		channels = 6
	}
	return &Audio{
		src: s, st: st, decoder: dec, feed: newFeed(s, st), frame: av.NewFrame(),
		rate: st.Rate, fold: fold{out: channels}, out: make([][]float32, channels),
	}, nil
}

// Rate returns the sample rate of every block.
func (a *Audio) Rate() media.SampleRate { return a.rate }

// Channels returns the number of channels of every block: 1, 2, or 6
// (5.1 as media.Block has it, into which every larger layout is mapped).
func (a *Audio) Channels() int { return len(a.out) }

// Read returns the next block, io.EOF after the last; valid until the next Read.
func (a *Audio) Read() (media.Block, error) {
	for {
		switch {
		case a.silence > 0:
			n := min(a.silence, silenceBlock)
			a.silence -= n
			for i := range a.out {
				a.out[i] = grow(a.out[i], int(n))
				clear(a.out[i])
			}
			return a.block(int(n)), nil
		case a.from < a.to:
			n := a.to - a.from
			for i := range a.out {
				a.out[i] = grow(a.out[i], n)
			}
			if err := a.fold.read(a.frame, a.from, a.out); err != nil {
				return media.Block{}, err
			}
			a.from = a.to
			return a.block(n), nil
		}
		if err := a.decode(); err != nil {
			return media.Block{}, err
		}
	}
}

func grow(b []float32, n int) []float32 {
	if cap(b) < n {
		return make([]float32, n)
	}
	return b[:n]
}

func (a *Audio) block(n int) media.Block {
	b := media.Block{Start: a.next, Rate: a.rate, Channels: a.out}
	a.next += int64(n)
	return b
}

// decode fetches the next frame and places it.
func (a *Audio) decode() error {
	if a.ended {
		return io.EOF
	}
	for {
		err := a.decoder.Receive(a.frame)
		switch {
		case err == nil:
			if a.frame.Samples() == 0 {
				continue
			}
			return a.place()
		case err == io.EOF:
			a.ended = true
		case err == av.ErrAgain:
			err = a.send()
		case isAV(err):
			err = a.forgive(err)
		}
		if err != nil {
			return err
		}
	}
}

func (a *Audio) send() error {
	p, _, err := a.feed.next()
	if err == io.EOF {
		p, err = nil, nil
	}
	if err != nil {
		return err
	}
	err = a.decoder.Send(p)
	if err == av.ErrAgain {
		a.feed.again()
		return nil
	}
	if err != nil && err != io.EOF && isAV(err) {
		return a.forgive(err)
	}
	return err
}

func (a *Audio) forgive(err error) error {
	a.lost = true
	if a.bad++; a.bad > maxBadPackets {
		return err
	}
	return nil
}

// place decides where the frame lies on the part's time line.
func (a *Audio) place() error {
	if err := a.fold.set(a.frame, a.rate); err != nil {
		return a.forgive(err)
	}
	n := int64(a.fold.samples(a.frame))
	at := a.next
	if p := a.frame.StartPTS(); p != av.NoPTS {
		at = a.rate.Samples(a.src.partTime(a.st, p))
	}
	if b := int64(a.st.BlockSize); b > 0 && a.src.converted {
		// Timestamps are rounded to milliseconds, but every packet starts at a
		// multiple of the block size.
		at = (at + b/2) / b * b
	}
	skip := a.anchor(at, n)
	a.from, a.to = int(min(max(skip, 0), n)), int(n)
	// What lies before the goal of a seek is left out.
	if early := a.until - a.next; early > 0 {
		s := min(early, a.silence)
		a.silence -= s
		k := int(min(early-s, int64(a.to-a.from)))
		a.from += k
		a.next += s + int64(k)
	}
	return nil
}

// anchor compares the timestamp of a frame of n samples with the count. It sets
// the silence due before it and returns how many of its samples to drop.
func (a *Audio) anchor(at, n int64) (drop int64) {
	defer func() { a.lost = false }()
	if !a.anchored {
		a.anchored = true
		if a.until > 0 || a.next > 0 { // after a seek
			a.next = at
			return 0
		}
		if at < 0 {
			return -at
		}
		a.silence = at
		return 0
	}
	// A tick and a half: both timestamps that are compared were rounded.
	bound := a.rate.Samples(reanchor + a.st.TimeBase.Duration(1)*3/2)
	if a.lost {
		bound = a.rate.Samples(reanchorLost)
	}
	switch off := at - a.next; {
	case off > a.rate.Samples(longestGap), off < -a.rate.Samples(longestOverlap), off > bound && at > a.rate.Samples(media.LongestPart):
		a.resets++
		// From here on the stream's clock is taken to be wrong by as much.
		a.src.origin += a.rate.Duration(off)
	case off > bound:
		a.gaps++
		a.silence = off
	case off < -bound:
		a.overlaps++
		return min(-off, n)
	default:
		a.apart = max(a.apart, off, -off)
	}
	return 0
}

// SeekTo makes the next block start at the given sample frame exactly. It is
// sample exact on converted parts; elsewhere as exact as the timestamps.
// Beyond the end the next Read returns io.EOF.
func (a *Audio) SeekTo(sample int64) error {
	goal := a.rate.Duration(max(sample, 0))
	for back := preroll; ; back = max(2*back, time.Second) {
		target := goal - back
		if err := a.restart(target, max(sample, 0)); err != nil {
			return err
		}
		if sample <= 0 {
			return nil
		}
		err := a.decode()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		// Late: the index led past the goal.
		if a.next+a.silence <= sample || target <= 0 {
			if a.next > sample && target <= 0 {
				a.silence, a.next = a.next-sample, sample
			}
			return nil
		}
	}
}

// restart continues decoding before t, or at the beginning.
func (a *Audio) restart(t time.Duration, until int64) error {
	a.decoder.Flush()
	a.feed.flush()
	a.silence, a.from, a.to = 0, 0, 0
	a.next, a.until = 0, until
	a.anchored, a.ended, a.lost = false, false, false
	a.fold.in = 0
	if t > 0 {
		by := a.st
		if a.src.converted && a.src.video != nil {
			by = a.src.video
		}
		err := a.src.seek(by, t)
		if err == nil || !isAV(err) {
			return err
		}
	}
	if err := a.src.rewind(); err != nil {
		return err
	}
	if a.src.audio == nil {
		return ErrNoAudio
	}
	a.st, a.feed.st = a.src.audio, a.src.audio
	a.src.d.Only(a.st.Index)
	return nil
}

// Warnings says what was odd so far, for a person.
func (a *Audio) Warnings() []string {
	var w []string
	for _, c := range []struct {
		n    int
		text string
	}{
		{a.bad, "sound: %d damaged packets left out"},
		{a.gaps, "sound: %d gaps filled with silence"},
		{a.overlaps, "sound: %d overlaps dropped"},
		{a.resets, "sound: %d jumps of the clock ignored"},
	} {
		if c.n > 0 {
			w = append(w, fmt.Sprintf(c.text, c.n))
		}
	}
	if d := a.rate.Duration(a.apart); d > noteworthy+a.st.TimeBase.Duration(1)*3/2 {
		w = append(w, fmt.Sprintf("sound: timestamps stray %d ms from the samples, which were followed", d.Milliseconds()))
	}
	return w
}

// Close frees everything. It may be called more than once.
func (a *Audio) Close() error {
	if a.closed {
		return nil
	}
	a.closed = true
	a.feed.close()
	a.frame.Close()
	a.decoder.Close()
	a.src.close()
	return nil
}
