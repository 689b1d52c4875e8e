package engine

// The ring of frames under way on a GPU:
//
//	frame n    being uploaded and drawn
//	frame n-1  being read back, into a pixel buffer
//	frame n-2  read back: the tiles' pictures lie in its pixel buffer, mapped
//
// A frame has one buffer of the ring for as long as it is under way, and keeps
// it as the pictures' memory until the next frame has come back; so there is one
// buffer more than frames may be under way, and no frame ever waits for a buffer.
// The whole result is read back, not only what changed, so that each buffer
// holds every tile.

import (
	"github.com/choirless/render/engine/gl"
)

// ring is the pixel buffers of a canvas; empty where frames are read directly.
// GL thread.
type ring struct {
	buffers []*gl.PixelBuffer
	shown   *gl.PixelBuffer // mapped
	next    int
}

func (r *ring) open(inFlight, size int) error {
	for range inFlight + 1 {
		b, err := gl.NewPixelBuffer(size)
		if err != nil {
			return err
		}
		r.buffers = append(r.buffers, b)
	}
	return nil
}

func (r *ring) release() {
	for _, b := range r.buffers {
		b.Release()
	}
	r.buffers, r.shown = nil, nil
}

// flight is a frame under way.
type flight struct {
	buffer *gl.PixelBuffer
	done   *gl.Fence
}

// send starts reading the result back.
func (f *fast) send() (*flight, error) {
	b := f.ring.buffers[f.ring.next]
	f.ring.next = (f.ring.next + 1) % len(f.ring.buffers)
	w, h := f.result[0].Width, f.result[0].Height
	for r := range hRows {
		fb, n := f.target(r)
		if err := fb.ReadInto(b, r*f.stride, n, 0, 0, w, h, hRows*f.stride); err != nil {
			return nil, err
		}
	}
	f.ledger.work.ReadBack += int64(f.stride * hRows * h)
	if err := gl.Check("fast send"); err != nil {
		return nil, err
	}
	return &flight{b, gl.NewFence()}, nil
}

// land waits for a frame and makes it the tiles' pictures.
func (f *fast) land(l *flight) error {
	if err := l.done.Wait(); err != nil {
		return err
	}
	mem, err := l.buffer.Map()
	if err != nil {
		return err
	}
	old := f.ring.shown
	f.ring.shown, f.memory = l.buffer, mem
	for _, t := range f.tiles {
		if t.light == nil {
			f.point(t.video, t)
		}
	}
	if old != nil {
		return old.Unmap()
	}
	return nil
}
