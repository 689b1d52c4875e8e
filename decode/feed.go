package decode

import (
	"io"
	"time"

	"github.com/choirless/render/internal/av"
)

// feed hands the packets of one stream to a decoder. When told which pictures
// will be looked at, it reads ahead far enough to know how long each is shown.
type feed struct {
	src    *source
	st     *av.Stream
	wanted func(from, to time.Duration) bool
	// other, when set, is given the packets of the other streams.
	other func(*av.Packet) error

	queue []*av.Packet // read, not yet given
	spare []*av.Packet
	given *av.Packet
	redo  bool
	ended bool
}

// feedAhead is how many packets are looked at for the picture that follows one
// in display order: more than any codec reorders.
const feedAhead = 18

func newFeed(s *source, st *av.Stream) feed { return feed{src: s, st: st} }

func (f *feed) close() {
	f.flush()
	for _, p := range f.spare {
		p.Close()
	}
	f.spare = nil
}

// flush forgets what was read, as before a seek.
func (f *feed) flush() {
	f.spare = append(f.spare, f.queue...)
	f.queue = f.queue[:0]
	if f.given != nil {
		f.spare = append(f.spare, f.given)
		f.given = nil
	}
	f.redo, f.ended = false, false
}

// again makes next return the same packet once more.
func (f *feed) again() { f.redo = true }

// next returns the next packet, valid until the next call, and whether its
// picture may be skipped; io.EOF after the last, any number of times.
func (f *feed) next() (p *av.Packet, skip bool, err error) {
	if f.redo {
		f.redo = false
		if f.given == nil {
			return nil, false, io.EOF
		}
		return f.given, false, nil
	}
	if f.given != nil {
		f.spare = append(f.spare, f.given)
		f.given = nil
	}
	depth := 1
	if f.wanted != nil {
		depth = feedAhead
	}
	for len(f.queue) < depth && !f.ended {
		if err := f.read(); err == io.EOF {
			f.ended = true
		} else if err != nil {
			return nil, false, err
		}
	}
	if len(f.queue) == 0 {
		return nil, false, io.EOF
	}
	f.given = f.queue[0]
	f.queue = f.queue[:copy(f.queue, f.queue[1:])]
	return f.given, f.skip(), nil
}

// read queues the next packet of the stream. Damage in the container ends the
// stream early rather than the reading with an error.
func (f *feed) read() error {
	p := f.blank()
	for bad := 0; ; {
		err := f.src.read(p)
		if err == nil && p.Stream() == f.st.Index {
			f.queue = append(f.queue, p)
			return nil
		}
		if err == nil && f.other != nil {
			err = f.other(p)
		}
		if err == nil {
			continue
		}
		if err != io.EOF && isAV(err) {
			if bad++; bad < maxBadReads {
				continue
			}
			err = io.EOF
		}
		f.spare = append(f.spare, p)
		return err
	}
}

func (f *feed) blank() *av.Packet {
	if n := len(f.spare); n > 0 {
		p := f.spare[n-1]
		f.spare = f.spare[:n-1]
		return p
	}
	return av.NewPacket()
}

// skip reports whether nobody will look at the picture of the given packet.
// It goes off when the next in display order comes on, which is among the
// packets read ahead, or else unknown.
func (f *feed) skip() bool {
	if f.wanted == nil || f.given.PTS() == av.NoPTS || f.given.Key() {
		return false
	}
	from := f.given.PTS()
	to := av.NoPTS
	for _, p := range f.queue {
		if t := p.PTS(); t > from && (to == av.NoPTS || t < to) {
			to = t
		}
	}
	if to == av.NoPTS {
		return false
	}
	return !f.wanted(f.src.partTime(f.st, from), f.src.partTime(f.st, to))
}
