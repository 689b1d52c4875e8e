package stitch

import (
	"errors"
	"io"
)

// memFile is a file in memory for writing.
type memFile struct {
	b  []byte
	at int64
}

func (f *memFile) Write(p []byte) (int, error) {
	if need := f.at + int64(len(p)); need > int64(len(f.b)) {
		f.b = append(f.b, make([]byte, need-int64(len(f.b)))...)
	}
	copy(f.b[f.at:], p)
	f.at += int64(len(p))
	return len(p), nil
}

func (f *memFile) Seek(offset int64, whence int) (int64, error) {
	if whence != io.SeekStart {
		return 0, errors.ErrUnsupported
	}
	f.at = offset
	return offset, nil
}
