package gl

import (
	"fmt"
	"testing"
)

// pass is a vertex and a fragment shader for a test.
func pass(fragment string) (*Program, error) {
	return NewProgram(Stage{Name: "v", Text: passVertex}, Stage{Name: "f", Text: "#version 430 core\n" + fragment})
}

// TestRowIsReadWhereItWasWritten: texels of either kind of row, the first ones
// and those around the first wrap.
func TestRowIsReadWhereItWasWritten(t *testing.T) {
	d := open(t)
	const texels, width = WrapWidth + 3, 8
	for _, wrapped := range []bool{false, true} {
		got := make([]byte, 16*width)
		err := d.Do(t.Context(), func() error {
			row, err := NewRow(RGBA32UI, 16*texels, wrapped)
			if err != nil {
				return err
			}
			defer row.Release()
			if err := row.Fill(func(m []byte) {
				for i := range m {
					m[i] = byte(i/16 + i)
				}
			}); err != nil {
				return err
			}
			out, err := NewTexture(RGBA32UI, width, 1, 0)
			if err != nil {
				return err
			}
			defer out.Release()
			fb, err := NewFramebuffer(out)
			if err != nil {
				return err
			}
			defer fb.Release()
			text := `uniform usamplerBuffer src; out uvec4 o;
void main(){ o = texelFetch(src, int(gl_FragCoord.x) + 2043); }`
			if wrapped {
				text = `uniform usampler2D src; out uvec4 o;
void main(){ int i = int(gl_FragCoord.x) + 2043; o = texelFetch(src, ivec2(i & 2047, i >> 11), 0); }`
			}
			p, err := pass(text)
			if err != nil {
				return err
			}
			defer p.Release()
			fb.Bind()
			p.Use()
			row.Bind(0)
			p.Uniform("src").Ints(0)
			Draw(0, 0, width, 1)
			return fb.Read(0, 0, 0, width, 1, got, 16*width)
		})
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range got {
			at := 2043*16 + i
			if want := byte(at/16 + at); v != want {
				t.Fatalf("wrapped %v: byte %d = %d, want %d", wrapped, at, v, want)
			}
		}
	}
}

// TestPixelBufferGetsWhatIsDrawn: reads into a buffer after a fence are the
// drawing's, offset and row length included, and mapping again shows new ones.
func TestPixelBufferGetsWhatIsDrawn(t *testing.T) {
	d := open(t)
	err := d.Do(t.Context(), func() error {
		out, err := NewTexture(R8, 4, 2, 0)
		if err != nil {
			return err
		}
		defer out.Release()
		fb, err := NewFramebuffer(out)
		if err != nil {
			return err
		}
		defer fb.Release()
		p, err := pass("uniform int base; out float o; void main(){ ivec2 p = ivec2(gl_FragCoord.xy); o = float(base + p.x + 10 * p.y) / 255.; }")
		if err != nil {
			return err
		}
		defer p.Release()
		b, err := NewPixelBuffer(40)
		if err != nil {
			return err
		}
		defer b.Release()
		for _, base := range []int{100, 200} {
			fb.Bind()
			p.Use()
			p.Uniform("base").Ints(int32(base))
			Draw(0, 0, 4, 2)
			if err := fb.ReadInto(b, 3, 0, 0, 0, 4, 2, 16); err != nil {
				return err
			}
			if err := NewFence().Wait(); err != nil {
				return err
			}
			mem, err := b.Map()
			if err != nil {
				return err
			}
			for y := range 2 {
				for x := range 4 {
					if got, want := int(mem[3+16*y+x]), base+x+10*y; got != want {
						return fmt.Errorf("sample %d,%d = %d, want %d", x, y, got, want)
					}
				}
			}
			if err := b.Unmap(); err != nil {
				return err
			}
		}
		if err := fb.ReadInto(b, 30, 0, 0, 0, 4, 2, 16); err == nil {
			return fmt.Errorf("a read beyond the buffer worked")
		}
		return Check("pixel buffer")
	})
	if err != nil {
		t.Fatal(err)
	}
}
