package av

//#include "av.h"
import "C"

import (
	"context"
	"errors"
	"io"
	"runtime/cgo"
	"unsafe"

	"github.com/asticode/go-astiav"
)

// ioSize is the buffer between libav and the reader: large enough that a Go
// call per refill costs nothing, small enough that a seek wastes little.
const ioSize = 64 << 10

// stream connects an AVIOContext to a Go reader or writer. The first error of
// the Go side is kept, because libav reports it as a bare code.
type stream struct {
	ctx    context.Context
	r      io.Reader
	w      io.Writer
	seeker io.Seeker
	err    error
	handle cgo.Handle
	c      *C.AVIOContext
}

func newReader(ctx context.Context, r io.Reader) (*stream, error) {
	s := &stream{ctx: ctx, r: r}
	s.seeker, _ = r.(io.Seeker)
	return s, s.open(0)
}

func newWriter(w io.Writer) (*stream, error) {
	s := &stream{ctx: context.Background(), w: w}
	s.seeker, _ = w.(io.Seeker)
	return s, s.open(1)
}

func (s *stream) open(writable C.int) error {
	s.handle = cgo.NewHandle(s)
	seekable := C.int(0)
	if s.seeker != nil {
		seekable = 1
	}
	if s.c = C.choir_io_new(C.uintptr_t(s.handle), writable, seekable, ioSize); s.c == nil {
		s.handle.Delete()
		return errors.New("av: out of memory")
	}
	return nil
}

func (s *stream) close() {
	if s.c == nil {
		return
	}
	C.choir_io_free(&s.c)
	s.handle.Delete()
}

// fail keeps the first Go error and returns libav's code for it.
func (s *stream) fail(err error) C.int {
	if s.err == nil {
		s.err = err
	}
	return C.int(astiav.ErrEio)
}

//export choirRead
func choirRead(h C.uintptr_t, buf *C.uint8_t, size C.int) C.int {
	s := cgo.Handle(h).Value().(*stream)
	if err := context.Cause(s.ctx); err != nil {
		return s.fail(err)
	}
	b := unsafe.Slice((*byte)(buf), int(size))
	for range 100 { // as bufio does: a reader may return 0, nil, but not for ever
		n, err := s.r.Read(b)
		switch {
		case n > 0:
			return C.int(n)
		case err == io.EOF:
			return C.int(astiav.ErrEof)
		case err != nil:
			return s.fail(err)
		}
	}
	return s.fail(io.ErrNoProgress)
}

//export choirWrite
func choirWrite(h C.uintptr_t, buf *C.uint8_t, size C.int) C.int {
	s := cgo.Handle(h).Value().(*stream)
	if _, err := s.w.Write(unsafe.Slice((*byte)(buf), int(size))); err != nil {
		return s.fail(err)
	}
	return size
}

//export choirSeek
func choirSeek(h C.uintptr_t, offset C.int64_t, whence C.int) C.int64_t {
	s := cgo.Handle(h).Value().(*stream)
	var n int64
	var err error
	if whence&C.AVSEEK_SIZE != 0 {
		n, err = size(s.seeker)
	} else {
		n, err = s.seeker.Seek(int64(offset), int(whence&^C.AVSEEK_FORCE))
	}
	if err != nil {
		return C.int64_t(s.fail(err))
	}
	return C.int64_t(n)
}

func size(s io.Seeker) (int64, error) {
	at, err := s.Seek(0, io.SeekCurrent)
	if err != nil {
		return 0, err
	}
	end, err := s.Seek(0, io.SeekEnd)
	if err != nil {
		return 0, err
	}
	_, err = s.Seek(at, io.SeekStart)
	return end, err
}
