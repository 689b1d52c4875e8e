package stitch

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// maxNAL bounds the memory that one NAL unit may take. The largest coded
// picture that level 6.2 allows is below 54 MB (ITU-T H.264, A.3.1 with
// MinCR 2 and 139264 macroblocks of 384 bytes: 26 MB).
const maxNAL = 64 << 20

var startCode = []byte{0, 0, 1}

// nalReader cuts a byte stream into NAL units, holding one at a time.
//
// Specification: ITU-T H.264, annex B.
type nalReader struct {
	r   io.Reader
	buf []byte
	// buf[at:] is not handed out yet and begins after a start code
	at      int
	started bool
	eof     bool
}

func newNALReader(r io.Reader) *nalReader {
	return &nalReader{r: r, buf: make([]byte, 0, 64<<10)}
}

// next returns the next NAL unit, header byte first, and what follows it: the
// first two bytes of the NAL unit after it, or nil at the end of the stream.
// Both are valid until the next call. At the end of the stream it is io.EOF.
func (n *nalReader) next() (nal, following []byte, err error) {
	if !n.started {
		if err := n.findFirst(); err != nil {
			return nil, nil, err
		}
	}
	scan := n.at
	for {
		i := bytes.Index(n.buf[scan:], startCode)
		if i >= 0 && (n.eof || scan+i+5 <= len(n.buf)) {
			end := scan + i
			nal, following = n.buf[n.at:end], n.buf[end+3:min(end+5, len(n.buf))]
			n.at = end + 3
			nal = trimZeros(nal)
			if len(nal) == 0 { // two start codes in a row, or only zeros between
				scan = n.at
				continue
			}
			return nal, following, nil
		}
		if n.eof {
			nal = trimZeros(n.buf[n.at:])
			n.at = len(n.buf)
			if len(nal) == 0 {
				return nil, nil, io.EOF
			}
			return nal, nil, nil
		}
		kept := n.at
		if i >= 0 {
			scan += i
		} else {
			scan = max(n.at, len(n.buf)-2)
		}
		if err := n.fill(); err != nil {
			return nil, nil, err
		}
		scan -= kept - n.at
	}
}

// findFirst moves behind the first start code; leading_zero_8bits are all that
// may come before it.
func (n *nalReader) findFirst() error {
	for {
		if i := bytes.Index(n.buf, startCode); i >= 0 {
			if len(trimZeros(n.buf[:i])) > 0 {
				return errors.New("not an H.264 byte stream: data before the first start code")
			}
			n.at, n.started = i+3, true
			return nil
		}
		if len(n.buf) > 0 && (len(n.buf) > 1<<16 || len(trimZeros(n.buf[:max(0, len(n.buf)-3)])) > 0) {
			return errors.New("not an H.264 byte stream: no start code")
		}
		if n.eof {
			if len(n.buf) == 0 {
				return io.EOF
			}
			return errors.New("not an H.264 byte stream: no start code")
		}
		if err := n.fill(); err != nil {
			return err
		}
	}
}

// fill reads more. What lies before at is given up.
func (n *nalReader) fill() error {
	if n.at > 0 {
		n.buf = n.buf[:copy(n.buf, n.buf[n.at:])]
		n.at = 0
	}
	if len(n.buf) == cap(n.buf) {
		if len(n.buf) >= maxNAL {
			return fmt.Errorf("NAL unit of more than %d bytes", maxNAL)
		}
		grown := make([]byte, len(n.buf), 2*cap(n.buf))
		copy(grown, n.buf)
		n.buf = grown
	}
	got, err := n.r.Read(n.buf[len(n.buf):cap(n.buf)])
	n.buf = n.buf[:len(n.buf)+got]
	if err == io.EOF {
		n.eof = true
		return nil
	}
	if err != nil {
		return &readError{err}
	}
	return nil
}

// trimZeros leaves out trailing_zero_8bits and the zero_byte of the start code
// that follows.
func trimZeros(b []byte) []byte {
	for len(b) > 0 && b[len(b)-1] == 0 {
		b = b[:len(b)-1]
	}
	return b
}
