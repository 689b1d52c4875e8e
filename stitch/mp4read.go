package stitch

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/choirless/render/media"
)

// maxIndex bounds the moov box that is taken into memory: 24 hours of pictures
// and sound need some 60 MB.
const maxIndex = 128 << 20

// maxSamples bounds the samples of a track: 24 hours at 120 pictures a second.
const maxSamples = 12_000_000

// mp4Sample is where a sample lies in the file.
type mp4Sample struct {
	offset int64
	size   int
}

// mp4Index is what the moov box says of one track.
type mp4Index struct {
	handler   string
	timescale uint32
	length    int64 // ticks of all samples
	skip      int64 // media time at which the edit list begins
	format    string
	config    []byte // avcC's content, or esds'
	samples   []mp4Sample
}

// box is a box in memory: name and content.
type box struct {
	name string
	body []byte
}

// split cuts b into boxes (14496-12, 4.2).
func split(b []byte) ([]box, error) {
	var list []box
	for len(b) > 0 {
		if len(b) < 8 {
			return nil, fmt.Errorf("box: %w", errCutShort)
		}
		size, head := uint64(binary.BigEndian.Uint32(b)), 8
		if size == 1 {
			if len(b) < 16 {
				return nil, fmt.Errorf("box: %w", errCutShort)
			}
			size, head = binary.BigEndian.Uint64(b[8:]), 16
		}
		if size == 0 { // to the end
			size = uint64(len(b))
		}
		if size < uint64(head) || size > uint64(len(b)) {
			return nil, fmt.Errorf("box %q: %d bytes, %d left", b[4:8], size, len(b))
		}
		list = append(list, box{string(b[4:8]), b[head:size]})
		b = b[size:]
	}
	return list, nil
}

// child returns the content of the first box of the given path, nil when there
// is none.
func child(b []byte, path ...string) ([]byte, error) {
	for _, name := range path {
		list, err := split(b)
		if err != nil {
			return nil, err
		}
		b = nil
		for _, x := range list {
			if x.name == name {
				b = x.body
				break
			}
		}
		if b == nil {
			return nil, nil
		}
	}
	return b, nil
}

// findMoov reads the top level of a file up to its index.
func findMoov(src io.ReadSeeker) ([]byte, error) {
	for at := int64(0); ; {
		if _, err := src.Seek(at, io.SeekStart); err != nil {
			return nil, err
		}
		var head [16]byte
		if n, err := io.ReadFull(src, head[:]); n < 8 {
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				return nil, errors.New("mp4: no moov box: the file is cut short or was never finished")
			}
			return nil, err
		}
		size, skip := int64(binary.BigEndian.Uint32(head[:])), int64(8)
		if size == 1 {
			size, skip = int64(binary.BigEndian.Uint64(head[8:])), 16
		}
		name := string(head[4:8])
		if size < skip {
			return nil, fmt.Errorf("mp4: box %q of %d bytes before any moov", name, size)
		}
		if name == "moov" {
			if size > maxIndex {
				return nil, fmt.Errorf("mp4: moov of %d bytes, at most %d", size, maxIndex)
			}
			if _, err := src.Seek(at+skip, io.SeekStart); err != nil {
				return nil, err
			}
			b, err := io.ReadAll(io.LimitReader(src, size-skip)) // grows with what is there, not with what is claimed
			if err != nil {
				return nil, err
			}
			if int64(len(b)) < size-skip {
				return nil, fmt.Errorf("mp4: moov: %w", errCutShort)
			}
			return b, nil
		}
		if at+size < at {
			return nil, fmt.Errorf("mp4: box %q of %d bytes", name, size)
		}
		at += size
	}
}

// findTrack returns the first track of the handler and sample format.
func findTrack(src io.ReadSeeker, handler string, formats ...string) (*mp4Index, error) {
	moov, err := findMoov(src)
	if err != nil {
		return nil, err
	}
	list, err := split(moov)
	if err != nil {
		return nil, fmt.Errorf("mp4: moov: %w", err)
	}
	seen := ""
	for _, b := range list {
		if b.name == "mvex" {
			return nil, errors.New("mp4: fragmented file (mvex)")
		}
		if b.name != "trak" {
			continue
		}
		t := &mp4Index{}
		if err := t.parse(b.body); err != nil {
			return nil, fmt.Errorf("mp4: trak: %w", err)
		}
		for _, f := range formats {
			if t.handler == handler && t.format == f {
				return t, nil
			}
		}
		seen += " " + t.handler + "/" + t.format
	}
	return nil, fmt.Errorf("mp4: no %s track of format %v, only%s", handler, formats, seen)
}

// parse reads a trak box.
func (t *mp4Index) parse(trak []byte) error {
	hdlr, err := child(trak, "mdia", "hdlr")
	if err != nil {
		return err
	}
	mdhd, err := child(trak, "mdia", "mdhd")
	if err != nil {
		return err
	}
	if len(hdlr) < 12 || len(mdhd) < 24 {
		return errors.New("no hdlr or mdhd")
	}
	t.handler = string(hdlr[8:12])
	t.timescale = binary.BigEndian.Uint32(mdhd[12:])
	if mdhd[0] == 1 {
		t.timescale = binary.BigEndian.Uint32(mdhd[20:])
	}
	elst, err := child(trak, "edts", "elst")
	if err != nil {
		return err
	}
	if err := t.parseEdits(elst); err != nil {
		return err
	}
	stbl, err := child(trak, "mdia", "minf", "stbl")
	if err != nil {
		return err
	}
	if err := t.parseFormat(stbl); err != nil {
		return err
	}
	return t.parseSamples(stbl)
}

// parseEdits reads elst (14496-12, 8.6.6): one edit at normal rate.
func (t *mp4Index) parseEdits(b []byte) error {
	if b == nil {
		return nil
	}
	if len(b) < 8 {
		return fmt.Errorf("elst: %w", errCutShort)
	}
	n, entry := binary.BigEndian.Uint32(b[4:]), b[8:]
	if n == 0 {
		return nil
	}
	if n > 1 {
		return fmt.Errorf("elst: %d edits, at most 1", n)
	}
	if b[0] == 1 {
		if len(entry) < 20 {
			return fmt.Errorf("elst: %w", errCutShort)
		}
		t.skip = int64(binary.BigEndian.Uint64(entry[8:]))
	} else {
		if len(entry) < 12 {
			return fmt.Errorf("elst: %w", errCutShort)
		}
		t.skip = int64(int32(binary.BigEndian.Uint32(entry[4:])))
	}
	if t.skip < 0 {
		return errors.New("elst: an empty edit")
	}
	return nil
}

// parseFormat reads the first entry of stsd (14496-12, 8.5.2).
func (t *mp4Index) parseFormat(stbl []byte) error {
	stsd, err := child(stbl, "stsd")
	if err != nil {
		return err
	}
	if len(stsd) < 8 {
		return errors.New("no stsd")
	}
	entries, err := split(stsd[8:])
	if err != nil || len(entries) == 0 {
		return errors.Join(errors.New("stsd: no entry"), err)
	}
	e := entries[0]
	t.format = e.name
	fixed, inner := 78, "avcC" // VisualSampleEntry (12.1.3)
	if t.handler == "soun" {
		fixed, inner = 28, "esds" // AudioSampleEntry (12.2.3)
	}
	if len(e.body) < fixed {
		return fmt.Errorf("stsd: %s: %w", e.name, errCutShort)
	}
	t.config, err = child(e.body[fixed:], inner)
	if err != nil && (e.name == "avc1" || e.name == "avc3" || e.name == "mp4a") {
		return fmt.Errorf("stsd: %s: %w", e.name, err)
	}
	return nil
}

// mp4Video gives the H.264 track of an MP4 file as a byte stream.
func mp4Video(src io.ReadSeeker) (io.Reader, error) {
	t, err := findTrack(src, "vide", "avc1", "avc3")
	if err != nil {
		return nil, err
	}
	avc, err := parseAVCConfig(t.config)
	if err != nil {
		return nil, fmt.Errorf("mp4: %w", err)
	}
	return &sampleReader{avc: avc, next: t.reader(src)}, nil
}

// reader returns a function that reads the samples in order, each valid until
// the next; io.EOF after the last.
func (t *mp4Index) reader(src io.ReadSeeker) func() ([]byte, error) {
	var buf []byte
	n := 0
	at := int64(-1)
	return func() ([]byte, error) {
		if n == len(t.samples) {
			return nil, io.EOF
		}
		s := t.samples[n]
		if s.size > maxNAL {
			return nil, fmt.Errorf("mp4: sample %d of %d bytes, at most %d", n, s.size, maxNAL)
		}
		n++
		if at != s.offset {
			if _, err := src.Seek(s.offset, io.SeekStart); err != nil {
				return nil, err
			}
		}
		at = s.offset + int64(s.size)
		var err error
		if buf, err = readN(src, buf, s.size); err != nil {
			return nil, fmt.Errorf("mp4: sample %d: %w", n-1, err)
		}
		return buf, nil
	}
}

// readN reads n bytes into buf, which grows with what is there rather than with
// what a file claims.
func readN(r io.Reader, buf []byte, n int) ([]byte, error) {
	const step = 1 << 20
	buf = buf[:0]
	for len(buf) < n {
		from := len(buf)
		buf = append(buf, make([]byte, min(step, n-from))...)
		if _, err := io.ReadFull(r, buf[from:]); err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return buf[:from], err
		}
	}
	return buf, nil
}

// ReadAudio gives the AAC track of an MP4 file, packets read from src as they
// are ranged over.
func ReadAudio(src io.ReadSeeker) (*Audio, error) {
	t, err := findTrack(src, "soun", "mp4a")
	if err != nil {
		return nil, err
	}
	config, err := parseESDS(t.config)
	if err != nil {
		return nil, fmt.Errorf("mp4: esds: %w", err)
	}
	c, err := parseAACConfig(config)
	if err != nil {
		return nil, fmt.Errorf("mp4: %w", err)
	}
	if int(t.timescale) != c.rate {
		return nil, fmt.Errorf("mp4: sound of %d ticks a second, want its sampling frequency %d", t.timescale, c.rate)
	}
	a := &Audio{
		Config:   config,
		Priming:  int(t.skip),
		Samples:  min(t.length, int64(len(t.samples)*c.perFrame)) - t.skip,
		Rate:     media.SampleRate(c.rate),
		Channels: c.channels,
	}
	a.Packets = func(yield func(AudioPacket, error) bool) {
		next := t.reader(src)
		for {
			b, err := next()
			if errors.Is(err, io.EOF) || !yield(AudioPacket{b, c.perFrame}, err) || err != nil {
				return
			}
		}
	}
	return a, nil
}
