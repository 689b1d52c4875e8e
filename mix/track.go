package mix

import (
	"errors"
	"fmt"
	"io"

	"github.com/choirless/render/media"
)

// track is a part's sound addressed by part time. Windows are asked for in
// ascending order of their beginning; they may overlap.
type track interface {
	// window returns n sample frames from the given one on, silence where the
	// part has none, valid until the next call.
	window(from int64, n int) ([][]float32, error)
	// end returns the number of sample frames of the part, once a window has
	// reached beyond it.
	end() (int64, bool)
	close() error
}

// seekWorth is how many sample frames are rather read and dropped than sought.
const seekWorth = 48000

// sourceTrack reads a Source. It opens it at the first window that touches the
// part, so that a mix of a hundred parts does not hold a hundred open files
// before the late ones have begun, and closes it at the end of its sound.
type sourceTrack struct {
	open   func() (Source, error)
	src    Source
	buf    [][]float32
	base   int64 // part time of buf[0]
	length int64
	eof    bool
	out    [][]float32 // a window that is filled up with silence
	view   [][]float32 // what window returned
}

func (t *sourceTrack) end() (int64, bool) { return t.length, t.eof }

func (t *sourceTrack) close() error {
	if t.src == nil {
		return nil
	}
	src := t.src
	t.src = nil
	return src.Close()
}

func (t *sourceTrack) window(from int64, n int) ([][]float32, error) {
	to := from + int64(n)
	if to > 0 && !t.eof {
		if err := t.fill(from, to); err != nil {
			return nil, err
		}
	}
	if t.out == nil || len(t.out) != max(1, len(t.buf)) || cap(t.out[0]) < n {
		t.out, t.view = make([][]float32, max(1, len(t.buf))), make([][]float32, max(1, len(t.buf)))
		for c := range t.out {
			t.out[c] = make([]float32, n)
		}
	}
	lo, hi := max(from, t.base), min(to, t.base+int64(t.have()))
	for c := range t.out {
		if lo == from && hi == to {
			t.view[c] = t.buf[c][lo-t.base : hi-t.base] // nothing to fill up
			continue
		}
		t.out[c] = t.out[c][:n]
		clear(t.out[c])
		if c < len(t.buf) && lo < hi {
			copy(t.out[c][lo-from:], t.buf[c][lo-t.base:hi-t.base])
		}
		t.view[c] = t.out[c]
	}
	return t.view, nil
}

// fill makes buf hold from..to as far as the source goes, and drops what lies
// before from.
func (t *sourceTrack) fill(from, to int64) error {
	if t.src == nil {
		if err := t.start(max(0, from)); err != nil {
			return err
		}
	}
	t.drop(from)
	for t.base+int64(t.have()) < to {
		b, err := t.src.Read()
		if errors.Is(err, io.EOF) {
			t.eof = true
			t.length = t.base + int64(t.have())
			return t.close()
		}
		if err != nil {
			return fmt.Errorf("read: %w", err)
		}
		if err := t.take(b); err != nil {
			return err
		}
		if t.have() > seekWorth { // a long way to go: do not pile it up
			t.drop(from)
		}
	}
	return nil
}

func (t *sourceTrack) start(from int64) (err error) {
	if t.src, err = t.open(); err != nil {
		return fmt.Errorf("open: %w", err)
	}
	if s, ok := t.src.(Seeker); ok && from > seekWorth {
		if err := s.SeekTo(from); err != nil {
			return fmt.Errorf("seek to sample %d: %w", from, err)
		}
		t.base = from
	}
	return nil
}

func (t *sourceTrack) have() int {
	if len(t.buf) == 0 {
		return 0
	}
	return len(t.buf[0])
}

func (t *sourceTrack) take(b media.Block) error {
	if b.Rate != media.MixRate {
		return fmt.Errorf("sample rate %d Hz, want %d", b.Rate, media.MixRate)
	}
	b = FoldDown(b)
	if len(b.Channels) == 0 {
		return errors.New("block without channels")
	}
	if t.buf == nil {
		t.buf = make([][]float32, len(b.Channels))
	}
	if len(t.buf) != len(b.Channels) {
		return fmt.Errorf("channels change from %d to %d", len(t.buf), len(b.Channels))
	}
	for c := range t.buf {
		if len(b.Channels[c]) != b.Len() {
			return errors.New("channels of unequal length")
		}
		t.buf[c] = append(t.buf[c], b.Channels[c]...)
	}
	return nil
}

func (t *sourceTrack) drop(from int64) {
	n := min(from-t.base, int64(t.have()))
	if n <= 0 {
		return
	}
	for c := range t.buf {
		t.buf[c] = append(t.buf[c][:0], t.buf[c][n:]...)
	}
	t.base += n
}

// chunkTrack runs a process over whole chunks of a track. Chunks lie on a fixed
// grid of part time and depend on nothing but the sound around them, so the
// result is the same wherever reading begins.
type chunkTrack struct {
	in            track
	chunk         int // sample frames
	before, after int // of sound around a chunk that the process looks at
	// process writes chunk sample frames that begin at part time at. in holds
	// before + chunk + after, and must not be changed.
	process func(at int64, in, out [][]float32)

	buf  [][]float32
	base int64
	out  [][]float32
}

func (t *chunkTrack) end() (int64, bool) { return t.in.end() }
func (t *chunkTrack) close() error       { return t.in.close() }

func (t *chunkTrack) window(from int64, n int) ([][]float32, error) {
	size := int64(t.chunk)
	have := 0
	if t.buf != nil {
		have = len(t.buf[0])
		if d := min(from-t.base, int64(have)) / size * size; d > 0 {
			for c := range t.buf {
				t.buf[c] = append(t.buf[c][:0], t.buf[c][d:]...)
			}
			t.base += d
			have -= int(d)
		}
	}
	if have == 0 {
		t.base = floorDiv(from, size) * size
	}
	for t.base+int64(have) < from+int64(n) {
		at := t.base + int64(have)
		in, err := t.in.window(at-int64(t.before), t.before+t.chunk+t.after)
		if err != nil {
			return nil, err
		}
		if len(t.buf) != len(in) {
			// Silence before the part is mono; the part may turn out to be stereo.
			t.buf = spread(t.buf, len(in), have)
		}
		out := make([][]float32, len(in))
		for c := range out {
			t.buf[c] = append(t.buf[c], make([]float32, t.chunk)...)
			out[c] = t.buf[c][have : have+t.chunk]
		}
		t.process(at, in, out)
		have += t.chunk
	}
	t.out = t.out[:0]
	for c := range t.buf {
		t.out = append(t.out, t.buf[c][from-t.base:from-t.base+int64(n)])
	}
	return t.out, nil
}

func spread(buf [][]float32, channels, n int) [][]float32 {
	out := make([][]float32, channels)
	for c := range out {
		if c < len(buf) {
			out[c] = buf[c]
		} else if len(buf) > 0 {
			out[c] = append([]float32(nil), buf[0]...)
		} else {
			out[c] = make([]float32, n)
		}
	}
	return out
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
