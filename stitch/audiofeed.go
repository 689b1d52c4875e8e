package stitch

import (
	"fmt"
	"iter"
	"math"
)

// audioFeed takes the packets of a movie's sound one by one and puts them into
// the file where they are due.
type audioFeed struct {
	track audioTrack
	next  func() (AudioPacket, error, bool)
	stop  func()
	frame int64 // sample frames of a whole packet
	at    int64 // sample frames written, priming counted
	end   int64 // sample frames wanted, priming counted
}

func newAudioFeed(a *Audio) (*audioFeed, error) {
	c, err := parseAACConfig(a.Config)
	if err != nil {
		return nil, err
	}
	switch {
	case c.rate != int(a.Rate):
		return nil, fmt.Errorf("audio: %d Hz, want %d as the config says", a.Rate, c.rate)
	case c.channels != a.Channels:
		return nil, fmt.Errorf("audio: %d channels, want %d as the config says", a.Channels, c.channels)
	case a.Priming < 0 || a.Samples <= 0:
		return nil, fmt.Errorf("audio: %d sample frames after %d of priming, want at least 1 and 0", a.Samples, a.Priming)
	case a.Packets == nil:
		return nil, fmt.Errorf("audio: no packets")
	}
	f := &audioFeed{frame: int64(c.perFrame), end: int64(a.Priming) + a.Samples}
	if f.end > math.MaxUint32 {
		return nil, fmt.Errorf("audio: %d sample frames, at most %d", f.end, uint32(math.MaxUint32))
	}
	f.track = audioTrack{config: a.Config, channels: a.Channels}
	f.track.id = 2
	f.track.timescale = uint32(a.Rate)
	f.track.skip, f.track.length = int64(a.Priming), a.Samples
	f.next, f.stop = iter.Pull2(a.Packets)
	return f, nil
}

// packets returns how many there will be.
func (f *audioFeed) packets() int { return int((f.end + f.frame - 1) / f.frame) }

func (f *audioFeed) skip() int64 { return f.track.skip }

func (f *audioFeed) done() bool { return f.at >= f.end }

// copy writes a chunk of the packets that begin before the sample frame until,
// priming counted. The chunk begins at offset in the file.
func (f *audioFeed) copy(until, offset int64, write func([]byte) error) error {
	for first := true; f.at < min(until, f.end); first = false {
		p, err, ok := f.next()
		if err != nil {
			return fmt.Errorf("audio: packet %d: %w", len(f.track.sizes), err)
		}
		if !ok {
			return fmt.Errorf("audio: ends after %d sample frames, want %d", f.at, f.end)
		}
		if p.Duration != int(f.frame) {
			return fmt.Errorf("audio: packet %d: %d sample frames, want %d", len(f.track.sizes), p.Duration, f.frame)
		}
		if len(p.Data) == 0 {
			return fmt.Errorf("audio: packet %d: empty", len(f.track.sizes))
		}
		if first {
			f.track.beginChunk(offset)
		}
		// the last packet is heard only as far as the song goes
		f.track.sample(len(p.Data), min(f.frame, f.end-f.at))
		f.track.peak = max(f.track.peak, int64(len(p.Data)))
		f.at += f.frame
		if err := write(p.Data); err != nil {
			return err
		}
	}
	return nil
}
