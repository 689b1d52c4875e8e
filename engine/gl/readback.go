package gl

import (
	"fmt"
	"time"
	"unsafe"

	"github.com/go-gl/gl/v4.3-core/gl"
)

// PixelBuffer receives pixels on their way back while the CPU does something
// else. Not safe for concurrent use; GL thread.
type PixelBuffer struct {
	id     uint32
	size   int
	mapped bool
}

// NewPixelBuffer makes a buffer of size bytes. The caller must Release it.
// GL thread.
func NewPixelBuffer(size int) (*PixelBuffer, error) {
	b := &PixelBuffer{size: size}
	gl.GenBuffers(1, &b.id)
	gl.BindBuffer(gl.PIXEL_PACK_BUFFER, b.id)
	gl.BufferData(gl.PIXEL_PACK_BUFFER, size, nil, gl.STREAM_READ)
	gl.BindBuffer(gl.PIXEL_PACK_BUFFER, 0)
	if err := Check(fmt.Sprintf("pixel buffer of %d bytes", size)); err != nil {
		b.Release()
		return nil, err
	}
	return b, nil
}

// Map waits for the reads into the buffer and returns its memory, which any
// goroutine may read until Unmap or Release. GL thread.
func (b *PixelBuffer) Map() ([]byte, error) {
	gl.BindBuffer(gl.PIXEL_PACK_BUFFER, b.id)
	defer gl.BindBuffer(gl.PIXEL_PACK_BUFFER, 0)
	p := gl.MapBufferRange(gl.PIXEL_PACK_BUFFER, 0, b.size, gl.MAP_READ_BIT)
	if p == nil {
		if err := Check("map pixel buffer"); err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("gl: map pixel buffer: no memory for %d bytes", b.size)
	}
	b.mapped = true
	return unsafe.Slice((*byte)(p), b.size), nil
}

// Unmap makes the memory Map returned invalid and the buffer ready for reads.
// It may be called on a buffer that is not mapped. GL thread.
func (b *PixelBuffer) Unmap() error {
	if !b.mapped {
		return nil
	}
	b.mapped = false
	gl.BindBuffer(gl.PIXEL_PACK_BUFFER, b.id)
	defer gl.BindBuffer(gl.PIXEL_PACK_BUFFER, 0)
	if !gl.UnmapBuffer(gl.PIXEL_PACK_BUFFER) {
		return fmt.Errorf("gl: unmap pixel buffer: the driver lost its content")
	}
	return nil
}

// Release deletes the buffer. GL thread.
func (b *PixelBuffer) Release() {
	if b == nil || b.id == 0 {
		return
	}
	gl.DeleteBuffers(1, &b.id)
	b.id = 0
}

// ReadInto is Read into a pixel buffer, from offset on; it returns at once.
// GL thread.
func (f *Framebuffer) ReadInto(b *PixelBuffer, offset, n, x, y, width, height, rowBytes int) error {
	t := f.targets[n].Format
	if width <= 0 || height <= 0 {
		return nil
	}
	if err := checkRead(t, width, height, b.size-offset, rowBytes); err != nil {
		return err
	}
	gl.BindBuffer(gl.PIXEL_PACK_BUFFER, b.id)
	//lint:ignore SA1019 ReadPixels has no overload that takes an offset
	at := gl.PtrOffset(offset)
	f.readPixels(n, x, y, width, height, at, rowBytes)
	gl.BindBuffer(gl.PIXEL_PACK_BUFFER, 0)
	return nil
}

// Fence is a place in the stream of commands. GL thread.
type Fence struct{ sync uintptr }

// NewFence marks the place after all commands given so far, and has the driver
// begin with them. The caller must Wait for it or Release it. GL thread.
func NewFence() *Fence {
	f := &Fence{sync: gl.FenceSync(gl.SYNC_GPU_COMMANDS_COMPLETE, 0)}
	gl.Flush()
	return f
}

// fencePatience is how long a driver may take over a frame before it is taken
// to have hung. A frame is milliseconds of work.
const fencePatience = 20 * time.Second

// Wait blocks until the commands before the fence are done, and releases it.
// GL thread.
func (f *Fence) Wait() error {
	defer f.Release()
	switch gl.ClientWaitSync(f.sync, gl.SYNC_FLUSH_COMMANDS_BIT, uint64(fencePatience)) {
	case gl.ALREADY_SIGNALED, gl.CONDITION_SATISFIED:
		return nil
	case gl.TIMEOUT_EXPIRED:
		return fmt.Errorf("gl: wait for the driver: nothing after %v", fencePatience)
	}
	if err := Check("wait for the driver"); err != nil {
		return err
	}
	return fmt.Errorf("gl: wait for the driver: failed")
}

// Release deletes the fence. It may be called after Wait. GL thread.
func (f *Fence) Release() {
	if f == nil || f.sync == 0 {
		return
	}
	gl.DeleteSync(f.sync)
	f.sync = 0
}
