package gl

import (
	"fmt"
	"unsafe"

	"github.com/go-gl/gl/v4.3-core/gl"
)

// Framebuffer is a set of textures drawn to at once. It does not own them.
// Not safe for concurrent use; GL thread.
type Framebuffer struct {
	id      uint32
	targets []*Texture
}

// NewFramebuffer attaches plain textures so that a shader's output n goes to
// target n. The caller must Release it, before the textures. GL thread.
func NewFramebuffer(targets ...*Texture) (*Framebuffer, error) {
	return newFramebuffer(targets, func(at uint32, i int) {
		gl.FramebufferTexture2D(gl.FRAMEBUFFER, at, gl.TEXTURE_2D, targets[i].id, 0)
	})
}

// NewLayerFramebuffer attaches n layers of an array texture, from first on.
// The caller must Release it, before the texture. GL thread.
func NewLayerFramebuffer(t *Texture, first, n int) (*Framebuffer, error) {
	targets := make([]*Texture, n)
	for i := range targets {
		targets[i] = t
	}
	return newFramebuffer(targets, func(at uint32, i int) {
		gl.FramebufferTextureLayer(gl.FRAMEBUFFER, at, t.id, 0, int32(first+i))
	})
}

func newFramebuffer(targets []*Texture, attach func(at uint32, i int)) (*Framebuffer, error) {
	f := &Framebuffer{targets: targets}
	gl.GenFramebuffers(1, &f.id)
	gl.BindFramebuffer(gl.FRAMEBUFFER, f.id)
	var buffers []uint32
	for i := range targets {
		at := gl.COLOR_ATTACHMENT0 + uint32(i)
		attach(at, i)
		buffers = append(buffers, at)
	}
	gl.DrawBuffers(int32(len(buffers)), &buffers[0])
	if s := gl.CheckFramebufferStatus(gl.FRAMEBUFFER); s != gl.FRAMEBUFFER_COMPLETE {
		f.Release()
		return nil, fmt.Errorf("gl: framebuffer of %d targets: %s", len(buffers), framebufferStatus(s))
	}
	if err := Check("framebuffer"); err != nil {
		f.Release()
		return nil, err
	}
	return f, nil
}

// Bind makes the framebuffer the target of draws. GL thread.
func (f *Framebuffer) Bind() { gl.BindFramebuffer(gl.FRAMEBUFFER, f.id) }

// Draw runs the program in use once for every texel of a rectangle of the bound
// framebuffer. GL thread.
func Draw(x, y, width, height int) {
	gl.Viewport(int32(x), int32(y), int32(width), int32(height))
	gl.DrawArrays(gl.TRIANGLE_STRIP, 0, 4)
}

// Read copies a rectangle of target n into dst, rows rowBytes apart, which must
// be a multiple of the texel's size. It waits for the draws before it.
// GL thread.
func (f *Framebuffer) Read(n, x, y, width, height int, dst []byte, rowBytes int) error {
	t := f.targets[n].Format
	if width <= 0 || height <= 0 {
		return nil
	}
	if err := checkRead(t, width, height, len(dst), rowBytes); err != nil {
		return err
	}
	f.readPixels(n, x, y, width, height, unsafe.Pointer(&dst[0]), rowBytes)
	return nil
}

func checkRead(t Format, width, height, size, rowBytes int) error {
	if rowBytes%t.Bytes != 0 || rowBytes < width*t.Bytes || size < rowBytes*(height-1)+width*t.Bytes {
		return fmt.Errorf("gl: read: %d bytes in rows of %d do not hold %dx%d texels of %d", size, rowBytes, width, height, t.Bytes)
	}
	return nil
}

func (f *Framebuffer) readPixels(n, x, y, width, height int, dst unsafe.Pointer, rowBytes int) {
	t := f.targets[n].Format
	gl.BindFramebuffer(gl.READ_FRAMEBUFFER, f.id)
	gl.ReadBuffer(gl.COLOR_ATTACHMENT0 + uint32(n))
	gl.PixelStorei(gl.PACK_ROW_LENGTH, int32(rowBytes/t.Bytes))
	gl.ReadPixels(int32(x), int32(y), int32(width), int32(height), t.format, t.typ, dst)
	gl.PixelStorei(gl.PACK_ROW_LENGTH, 0)
}

// Release deletes the framebuffer, not its textures. GL thread.
func (f *Framebuffer) Release() {
	if f == nil || f.id == 0 {
		return
	}
	gl.DeleteFramebuffers(1, &f.id)
	f.id = 0
}

// Barrier makes what has been drawn visible to fetches of later draws, and what
// these fetch safe from the draws after them. GL thread.
func Barrier() {
	gl.MemoryBarrier(gl.SHADER_IMAGE_ACCESS_BARRIER_BIT | gl.TEXTURE_FETCH_BARRIER_BIT | gl.FRAMEBUFFER_BARRIER_BIT)
}
