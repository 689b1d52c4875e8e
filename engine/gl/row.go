package gl

import (
	"fmt"
	"unsafe"

	"github.com/go-gl/gl/v4.3-core/gl"
)

// WrapWidth is how wide a wrapped Row is, texels: a power of two, so that a
// shader finds texel i at (i % WrapWidth, i / WrapWidth) by a mask and a shift.
const WrapWidth = 1 << WrapBits

// WrapBits is log2 of WrapWidth.
const WrapBits = 11

// Row is memory that a shader reads as one long row of texels: a buffer
// texture, which is quickest, or, where it is longer than the driver's buffer
// textures may be, a 2D texture into which the row is wrapped line by line.
// Not safe for concurrent use; GL thread.
type Row struct {
	format  Format
	size    int
	buffer  uint32 // of a buffer texture
	texture uint32
	wrapped *Texture
	host    []byte // of a wrapped row: what Map hands out
}

// NewRow makes a row of size bytes of undefined content. The caller must Release it.
// GL thread.
func NewRow(f Format, size int, wrapped bool) (*Row, error) {
	r := &Row{format: f, size: size}
	if wrapped {
		return r, r.wrap()
	}
	gl.GenBuffers(1, &r.buffer)
	gl.BindBuffer(gl.TEXTURE_BUFFER, r.buffer)
	gl.BufferData(gl.TEXTURE_BUFFER, size, nil, gl.STREAM_DRAW)
	gl.GenTextures(1, &r.texture)
	gl.BindTexture(gl.TEXTURE_BUFFER, r.texture)
	gl.TexBuffer(gl.TEXTURE_BUFFER, f.internal, r.buffer)
	if err := Check(fmt.Sprintf("buffer texture of %d bytes", size)); err != nil {
		r.Release()
		return nil, err
	}
	return r, nil
}

func (r *Row) wrap() (err error) {
	line := WrapWidth * r.format.Bytes
	height := max(1, (r.size+line-1)/line)
	if r.wrapped, err = NewTexture(r.format, WrapWidth, height, 0); err != nil {
		return err
	}
	r.host = make([]byte, height*line)
	return nil
}

// Map returns the row's memory to be written to, until Unmap. It does not wait
// for draws that may still read it: the caller must know that there are none.
// The memory must not be read, and may be written to from any goroutine.
// GL thread.
func (r *Row) Map() ([]byte, error) {
	if r.wrapped != nil {
		return r.host[:r.size], nil
	}
	gl.BindBuffer(gl.TEXTURE_BUFFER, r.buffer)
	p := gl.MapBufferRange(gl.TEXTURE_BUFFER, 0, r.size, gl.MAP_WRITE_BIT|gl.MAP_UNSYNCHRONIZED_BIT)
	if p == nil {
		if err := Check("map buffer"); err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("gl: map buffer: no memory for %d bytes", r.size)
	}
	return unsafe.Slice((*byte)(p), r.size), nil
}

// Unmap ends Map: draws from now on see what was written. GL thread.
func (r *Row) Unmap() error {
	if r.wrapped != nil {
		return r.wrapped.Upload(0, 0, r.wrapped.Width, r.wrapped.Height, r.host, WrapWidth*r.format.Bytes)
	}
	gl.BindBuffer(gl.TEXTURE_BUFFER, r.buffer)
	if !gl.UnmapBuffer(gl.TEXTURE_BUFFER) {
		return fmt.Errorf("gl: unmap buffer: the driver lost its content")
	}
	return nil
}

// Fill is Map, write and Unmap. GL thread.
func (r *Row) Fill(write func(mem []byte)) error {
	mem, err := r.Map()
	if err != nil {
		return err
	}
	write(mem)
	return r.Unmap()
}

// Size returns the size in bytes.
func (r *Row) Size() int { return r.size }

// Wrapped reports whether the row is a 2D texture.
func (r *Row) Wrapped() bool { return r.wrapped != nil }

// Bind makes the row visible to samplers of the given unit: usamplerBuffer, or
// usampler2D if wrapped. GL thread.
func (r *Row) Bind(unit int) {
	if r.wrapped != nil {
		r.wrapped.Bind(unit)
		return
	}
	gl.ActiveTexture(gl.TEXTURE0 + uint32(unit))
	gl.BindTexture(gl.TEXTURE_BUFFER, r.texture)
}

// BindImage makes the row readable as an image of the given unit: uimageBuffer,
// or uimage2D if wrapped. GL thread.
func (r *Row) BindImage(unit int) {
	if r.wrapped != nil {
		r.wrapped.BindImage(unit)
		return
	}
	gl.BindImageTexture(uint32(unit), r.texture, 0, false, 0, gl.READ_ONLY, r.format.internal)
}

// Release deletes the row. GL thread.
func (r *Row) Release() {
	if r == nil {
		return
	}
	r.wrapped.Release()
	if r.texture != 0 {
		gl.DeleteTextures(1, &r.texture)
	}
	if r.buffer != 0 {
		gl.DeleteBuffers(1, &r.buffer)
	}
	r.texture, r.buffer, r.host = 0, 0, nil
}
