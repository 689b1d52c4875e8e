package stitch

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"math/bits"
)

// Element IDs of Matroska, with their length marker.
//
// Specification: RFC 8794 (EBML), 4 to 6; RFC 9559, 5.1.
const (
	idSegment     = 0x18538067
	idTracks      = 0x1654ae6b
	idTrackEntry  = 0xae
	idTrackNumber = 0xd7
	idCodecID     = 0x86
	idCodecInit   = 0x63a2 // CodecPrivate
	idEncodings   = 0x6d80 // ContentEncodings
	idCluster     = 0x1f43b675
	idSimpleBlock = 0xa3
	idBlockGroup  = 0xa0
	idBlock       = 0xa1
)

var ebmlMagic = []byte{0x1a, 0x45, 0xdf, 0xa3}

const codecAVC = "V_MPEG4/ISO/AVC"

// unknownSize is the size of an element that ends where its parent's next
// child begins (RFC 8794, 6.2).
const unknownSize = math.MaxInt64

// maxTracks bounds the Tracks element that is taken into memory.
const maxTracks = 16 << 20

// matroska reads elements one after the other, from the front.
type matroska struct {
	r   *bufio.Reader
	buf []byte

	track  uint64 // of the video; 0 before Tracks
	config avcConfig
}

// matroskaVideo gives the first H.264 track of a Matroska file as a byte stream.
func matroskaVideo(src io.Reader) (io.Reader, error) {
	m := &matroska{r: bufio.NewReaderSize(src, 1<<16)}
	for m.track == 0 {
		id, size, err := m.element()
		if errors.Is(err, io.EOF) {
			return nil, errors.New("matroska: no tracks")
		}
		if err != nil {
			return nil, fmt.Errorf("matroska: %w", err)
		}
		switch id {
		case idSegment: // look inside
		case idTracks:
			err = m.readTracks(size)
		case idCluster:
			err = errors.New("pictures before the tracks")
		default:
			err = m.skip(size)
		}
		if err != nil {
			return nil, fmt.Errorf("matroska: %w", err)
		}
	}
	return &sampleReader{avc: m.config, next: m.next}, nil
}

// element reads the ID and size of an element; io.EOF at the end of the file.
func (m *matroska) element() (id uint64, size int64, err error) {
	head, err := m.r.Peek(maxID + maxVInt)
	if len(head) == 0 {
		return 0, 0, err
	}
	id, size, n, err := elementHead(head)
	if err == nil {
		_, err = m.r.Discard(n)
	}
	return id, size, err
}

// The longest element ID and the longest size, in bytes (RFC 8794, 5 and 6.1).
const (
	maxID   = 4
	maxVInt = 8
)

// elementHead reads the ID and size of an element at the beginning of b, and
// how many bytes they take.
func elementHead(b []byte) (id uint64, size int64, n int, err error) {
	id, n, err = vint(b, maxID)
	if err != nil {
		return 0, 0, 0, err
	}
	v, k, err := vint(b[n:], maxVInt)
	if err != nil {
		return 0, 0, 0, err
	}
	v &= 1<<(7*k) - 1 // without its length marker
	if v == 1<<(7*k)-1 {
		return id, unknownSize, n + k, nil
	}
	return id, int64(v), n + k, nil
}

// vint reads a variable-size integer of at most max bytes with its length
// marker in place, and its length (RFC 8794, 4).
func vint(b []byte, max int) (v uint64, n int, err error) {
	if len(b) == 0 {
		return 0, 0, io.ErrUnexpectedEOF
	}
	n = bits.LeadingZeros8(b[0]) + 1
	if n > max {
		return 0, 0, fmt.Errorf("number of %d bytes, at most %d", n, max)
	}
	if n > len(b) {
		return 0, 0, io.ErrUnexpectedEOF
	}
	for _, c := range b[:n] {
		v = v<<8 | uint64(c)
	}
	return v, n, nil
}

func (m *matroska) skip(size int64) error {
	if size == unknownSize {
		return errors.New("element of unknown size")
	}
	n, err := io.CopyN(io.Discard, m.r, size)
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("element of %d bytes, %d left", size, n)
	}
	return err
}

// readTracks finds the video track (RFC 9559, 5.1.4).
func (m *matroska) readTracks(size int64) error {
	if size > maxTracks {
		return fmt.Errorf("tracks of %d bytes, at most %d", size, maxTracks)
	}
	b, err := readN(m.r, nil, int(size))
	if err != nil {
		return err
	}
	seen := ""
	err = children(b, func(id uint64, entry []byte) error {
		if id != idTrackEntry || m.track != 0 {
			return nil
		}
		var number uint64
		var codec string
		var config []byte
		encoded := false
		err := children(entry, func(id uint64, v []byte) error {
			switch id {
			case idTrackNumber:
				number = unsigned(v)
			case idCodecID:
				codec = string(v)
			case idCodecInit:
				config = v
			case idEncodings:
				encoded = true
			}
			return nil
		})
		if err != nil || codec != codecAVC {
			seen += " " + codec
			return err
		}
		if encoded {
			return errors.New("track with content encodings (compressed or encrypted blocks)")
		}
		m.track = number
		m.config, err = parseAVCConfig(config)
		return err
	})
	if err == nil && m.track == 0 {
		err = fmt.Errorf("no track of codec %s, only%s", codecAVC, seen)
	}
	return err
}

// children calls f for each element in b.
func children(b []byte, f func(id uint64, v []byte) error) error {
	for len(b) > 0 {
		id, size, n, err := elementHead(b)
		if err != nil {
			return err
		}
		b = b[n:]
		if size > int64(len(b)) {
			return fmt.Errorf("element of %d bytes, %d left", size, len(b))
		}
		if err := f(id, b[:size]); err != nil {
			return err
		}
		b = b[size:]
	}
	return nil
}

func unsigned(b []byte) (v uint64) {
	for _, c := range b {
		v = v<<8 | uint64(c)
	}
	return v
}

// next reads up to the next picture of the track (RFC 9559, 5.1.3 and 10).
func (m *matroska) next() ([]byte, error) {
	for {
		id, size, err := m.element()
		if errors.Is(err, io.EOF) {
			return nil, io.EOF
		}
		if err == nil {
			switch id {
			case idSegment, idCluster, idBlockGroup: // look inside
				continue
			case idSimpleBlock, idBlock:
				var b []byte
				if b, err = m.block(size); err == nil {
					if b == nil {
						continue
					}
					return b, nil
				}
			default:
				err = m.skip(size)
			}
		}
		if err != nil {
			return nil, fmt.Errorf("matroska: %w", err)
		}
	}
}

// block reads a Block or SimpleBlock; nil when it is of another track.
func (m *matroska) block(size int64) ([]byte, error) {
	if size > maxNAL {
		return nil, fmt.Errorf("block of %d bytes, at most %d", size, maxNAL)
	}
	var err error
	if m.buf, err = readN(m.r, m.buf, int(size)); err != nil {
		return nil, err
	}
	track, n, err := vint(m.buf, maxVInt)
	if err != nil || len(m.buf) < n+3 {
		return nil, fmt.Errorf("block: %w", errCutShort)
	}
	if track&(1<<(7*n)-1) != m.track {
		return nil, nil
	}
	if lacing := m.buf[n+2] & 6; lacing != 0 { // behind a timestamp of two bytes
		return nil, errors.New("block with lacing")
	}
	return m.buf[n+3:], nil
}
