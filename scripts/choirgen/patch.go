package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
)

// What the muxers cannot be told is patched into the finished file.

// dropCodecDelay turns the CodecDelay of a Matroska file (RFC 9559, 5.1.4.1.28) into
// a Void element. Browsers write none: their first Opus packet is played whole, its
// priming with it. Without it packet times in whole milliseconds are also exact,
// where subtracting 6.5 ms from them is not.
func dropCodecDelay(f io.ReadWriteSeeker) error {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	head := make([]byte, 4096)
	n, err := io.ReadFull(f, head)
	if err != nil && err != io.ErrUnexpectedEOF {
		return err
	}
	at := bytes.Index(head[:n], []byte{0x56, 0xaa})
	if at < 0 || at+8 > n || head[at+2]&0x80 == 0 || head[at+2]&0x7f > 8 {
		return fmt.Errorf("codec delay: no such element")
	}
	size := int(head[at+2] & 0x7f)
	void := make([]byte, 3+size)
	void[0], void[1] = 0xec, 0x80|byte(size+1)
	if _, err := f.Seek(int64(at), io.SeekStart); err != nil {
		return err
	}
	_, err = f.Write(void)
	return err
}

// setRotation writes the display matrix of the picture's track into a finished MP4:
// the nine numbers at the end but eight bytes of a track header (ISO/IEC 14496-12,
// 8.3.2), 16.16 fixed point. libav's muxer takes it only as side data of a stream,
// and a phone's file is the one place we need it.
func setRotation(f io.ReadWriteSeeker, degrees int) error {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	b, err := io.ReadAll(f)
	if err != nil {
		return err
	}
	moov := bytes.Index(b, []byte("moov"))
	if moov < 0 {
		return fmt.Errorf("rotation: no moov box")
	}
	for at := moov; ; {
		i := bytes.Index(b[at:], []byte("tkhd"))
		if i < 0 {
			return fmt.Errorf("rotation: no track with a picture")
		}
		at += i
		start := at - 4
		size := int(binary.BigEndian.Uint32(b[start:]))
		if size < 84 || start+size > len(b) {
			return fmt.Errorf("rotation: track header of %d bytes", size)
		}
		end := b[start : start+size]
		w, h := binary.BigEndian.Uint32(end[size-8:]), binary.BigEndian.Uint32(end[size-4:])
		if w == 0 {
			at += 4
			continue // sound
		}
		m := end[size-44 : size-8]
		one := func(i int, v int32) { binary.BigEndian.PutUint32(m[4*i:], uint32(v)) }
		const unit = 1 << 16
		for i := range 9 {
			one(i, 0)
		}
		one(8, 1<<30)
		switch degrees {
		case 90:
			one(1, unit)
			one(3, -unit)
			one(6, int32(h)) // shifted back onto the canvas
		case 180:
			one(0, -unit)
			one(4, -unit)
			one(6, int32(w))
			one(7, int32(h))
		case 270:
			one(1, -unit)
			one(3, unit)
			one(7, int32(w))
		}
		if _, err := f.Seek(int64(start), io.SeekStart); err != nil {
			return err
		}
		_, err := f.Write(end)
		return err
	}
}
