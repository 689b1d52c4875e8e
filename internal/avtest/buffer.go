package avtest

import (
	"errors"
	"io"
)

// Buffer is a file in memory that can be written at any place.
type Buffer struct {
	Data []byte
	at   int64
}

// Write writes at the position, growing the file.
func (b *Buffer) Write(p []byte) (int, error) {
	if need := b.at + int64(len(p)); need > int64(len(b.Data)) {
		b.Data = append(b.Data, make([]byte, need-int64(len(b.Data)))...)
	}
	copy(b.Data[b.at:], p)
	b.at += int64(len(p))
	return len(p), nil
}

// Seek moves the position.
func (b *Buffer) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += b.at
	case io.SeekEnd:
		offset += int64(len(b.Data))
	}
	if offset < 0 {
		return 0, errors.New("avtest: seek before the beginning")
	}
	b.at = offset
	return offset, nil
}
