package gl

import (
	"fmt"
	"unsafe"

	"github.com/go-gl/gl/v4.3-core/gl"
)

// Format is how a texel is stored and how it travels to and from memory.
type Format struct {
	internal, format, typ uint32
	// Bytes is the size of a texel in memory.
	Bytes int
}

// The formats in use. UI formats hold unsigned integers and are read through
// usampler types; R8 and R16 read as 0..1.
var (
	R8       = Format{gl.R8, gl.RED, gl.UNSIGNED_BYTE, 1}
	R16      = Format{gl.R16, gl.RED, gl.UNSIGNED_SHORT, 2}
	R32F     = Format{gl.R32F, gl.RED, gl.FLOAT, 4}
	RG32UI   = Format{gl.RG32UI, gl.RG_INTEGER, gl.UNSIGNED_INT, 8}
	RGBA32UI = Format{gl.RGBA32UI, gl.RGBA_INTEGER, gl.UNSIGNED_INT, 16}
	RGBA8    = Format{gl.RGBA8, gl.RGBA, gl.UNSIGNED_BYTE, 4}
)

// Texture is a 2D texture, or a 2D array if made with layers, without mipmaps,
// read texel by texel. Not safe for concurrent use; GL thread.
type Texture struct {
	id            uint32
	target        uint32
	Format        Format
	Width, Height int
	Layers        int // 0 for a plain 2D texture
}

// NewTexture makes a texture of undefined content. layers is 0 for a plain 2D
// texture. The caller must Release it. GL thread.
func NewTexture(f Format, width, height, layers int) (*Texture, error) {
	t := &Texture{target: gl.TEXTURE_2D, Format: f, Width: width, Height: height, Layers: layers}
	if layers > 0 {
		t.target = gl.TEXTURE_2D_ARRAY
	}
	gl.GenTextures(1, &t.id)
	gl.BindTexture(t.target, t.id)
	if layers > 0 {
		gl.TexStorage3D(t.target, 1, f.internal, int32(width), int32(height), int32(layers))
	} else {
		gl.TexStorage2D(t.target, 1, f.internal, int32(width), int32(height))
	}
	for _, p := range [][2]int32{
		{gl.TEXTURE_MIN_FILTER, gl.NEAREST},
		{gl.TEXTURE_MAG_FILTER, gl.NEAREST},
		{gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE},
		{gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE},
	} {
		gl.TexParameteri(t.target, uint32(p[0]), p[1])
	}
	if err := Check(fmt.Sprintf("texture %dx%d", width, height)); err != nil {
		t.Release()
		return nil, err
	}
	return t, nil
}

// Upload replaces a rectangle of a 2D texture. Rows of data are stride bytes
// apart; stride must be a multiple of the texel's size. data is read before
// Upload returns. GL thread.
func (t *Texture) Upload(x, y, width, height int, data []byte, stride int) error {
	row := width * t.Format.Bytes
	switch {
	case width <= 0 || height <= 0:
		return nil
	case stride < row || stride%t.Format.Bytes != 0:
		return fmt.Errorf("gl: upload: stride %d does not fit rows of %d bytes in texels of %d", stride, row, t.Format.Bytes)
	case len(data) < stride*(height-1)+row:
		return fmt.Errorf("gl: upload: %d bytes, want %d rows of %d", len(data), height, stride)
	}
	gl.BindTexture(t.target, t.id)
	gl.PixelStorei(gl.UNPACK_ROW_LENGTH, int32(stride/t.Format.Bytes))
	gl.TexSubImage2D(t.target, 0, int32(x), int32(y), int32(width), int32(height), t.Format.format, t.Format.typ, unsafe.Pointer(&data[0]))
	gl.PixelStorei(gl.UNPACK_ROW_LENGTH, 0)
	return nil
}

// UploadFloats replaces the whole of a 2D texture of floats. GL thread.
func (t *Texture) UploadFloats(data []float32) error {
	return t.Upload(0, 0, t.Width, t.Height, unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(data))), 4*len(data)), t.Width*t.Format.Bytes)
}

// Smooth has samplers interpolate between texels. GL thread.
func (t *Texture) Smooth() {
	gl.BindTexture(t.target, t.id)
	gl.TexParameteri(t.target, gl.TEXTURE_MIN_FILTER, gl.LINEAR)
	gl.TexParameteri(t.target, gl.TEXTURE_MAG_FILTER, gl.LINEAR)
}

// Bind makes the texture visible to samplers of the given unit. GL thread.
func (t *Texture) Bind(unit int) {
	gl.ActiveTexture(gl.TEXTURE0 + uint32(unit))
	gl.BindTexture(t.target, t.id)
}

// Release deletes the texture. GL thread.
func (t *Texture) Release() {
	if t == nil || t.id == 0 {
		return
	}
	gl.DeleteTextures(1, &t.id)
	t.id = 0
}

// BindImage makes the whole texture readable as an image of the given unit.
// GL thread.
func (t *Texture) BindImage(unit int) {
	gl.BindImageTexture(uint32(unit), t.id, 0, t.Layers > 0, 0, gl.READ_ONLY, t.Format.internal)
}
