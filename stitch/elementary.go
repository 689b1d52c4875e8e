package stitch

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// Elementary gives the H.264 video of a file as a byte stream (Annex B): of an
// MP4 file (14496-12, not fragmented), of a Matroska file (RFC 9559), or of a
// byte stream as it is. The reader reads src as it goes; timestamps are left
// behind.
func Elementary(src io.ReadSeeker) (io.Reader, error) {
	var head [8]byte
	n, err := io.ReadFull(src, head[:])
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		if errors.Is(err, io.EOF) {
			return nil, errors.New("empty file")
		}
		return nil, err
	}
	if _, err := src.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	switch {
	case n == 8 && string(head[4:]) == "ftyp":
		return mp4Video(src)
	case n >= 4 && bytes.Equal(head[:4], ebmlMagic):
		return matroskaVideo(src)
	case bytes.HasPrefix(head[:n], []byte{0, 0, 1}), bytes.HasPrefix(head[:n], []byte{0, 0, 0}):
		return src, nil
	}
	return nil, errors.New("neither an H.264 byte stream nor MP4 nor Matroska")
}

// sampleReader turns the samples of a container into a byte stream.
type sampleReader struct {
	next func() ([]byte, error) // a sample as it is in the container; io.EOF after the last
	avc  avcConfig
	buf  []byte // made and not read yet
	out  []byte // memory of buf
	any  bool   // a sample was made
}

func (s *sampleReader) Read(p []byte) (int, error) {
	for len(s.buf) == 0 {
		sample, err := s.next()
		if err != nil {
			return 0, err
		}
		s.out = s.out[:0]
		if !s.any {
			for _, set := range s.avc.sets {
				s.out = startCodes(s.out, set)
			}
			s.any = true
		}
		if s.out, err = s.avc.byteStream(s.out, sample); err != nil {
			return 0, err
		}
		s.buf = s.out
	}
	n := copy(p, s.buf)
	s.buf = s.buf[n:]
	return n, nil
}

// avcConfig is an AVCDecoderConfigurationRecord (ISO/IEC 14496-15, 5.3.3.1),
// which is also Matroska's CodecPrivate of V_MPEG4/ISO/AVC.
type avcConfig struct {
	lengthSize int
	sets       [][]byte // SPS and PPS NAL units
}

func parseAVCConfig(b []byte) (avcConfig, error) {
	var c avcConfig
	if len(b) < 7 || b[0] != 1 {
		return c, errors.New("avcC: not a configuration of version 1")
	}
	c.lengthSize = int(b[4]&3) + 1
	count, rest := int(b[5]&31), b[6:]
	for pass := range 2 { // SPS, then PPS
		for range count {
			if len(rest) < 2 || len(rest) < 2+int(rest[0])<<8+int(rest[1]) {
				return c, fmt.Errorf("avcC: %w", errCutShort)
			}
			n := int(rest[0])<<8 + int(rest[1])
			if n > 0 {
				c.sets = append(c.sets, bytes.Clone(rest[2:2+n]))
			}
			rest = rest[2+n:]
		}
		if pass == 0 {
			if len(rest) == 0 {
				return c, fmt.Errorf("avcC: %w", errCutShort)
			}
			count, rest = int(rest[0]), rest[1:]
		}
	}
	return c, nil
}

// byteStream appends the NAL units of a sample, each behind a start code
// instead of its length (14496-15, 5.3.2).
func (c avcConfig) byteStream(dst, sample []byte) ([]byte, error) {
	for len(sample) > 0 {
		if len(sample) < c.lengthSize {
			return dst, fmt.Errorf("sample: %w", errCutShort)
		}
		n := 0
		for _, b := range sample[:c.lengthSize] {
			n = n<<8 | int(b)
		}
		sample = sample[c.lengthSize:]
		if n > len(sample) {
			return dst, fmt.Errorf("sample: NAL unit of %d bytes, %d left", n, len(sample))
		}
		if n > 0 {
			dst = startCodes(dst, sample[:n])
		}
		sample = sample[n:]
	}
	return dst, nil
}
