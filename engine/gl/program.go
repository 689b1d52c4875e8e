package gl

import (
	"fmt"
	"strings"

	"github.com/go-gl/gl/v4.3-core/gl"
)

// Stage is a shader's source, with what a person needs to find an error in it.
type Stage struct {
	// Name is used in errors.
	Name string
	Text string
	// Explain turns the driver's message into one that names files and shows
	// the source; nil leaves it as it is.
	Explain func(log string) string
}

// Program is a linked vertex and fragment shader. GL thread.
type Program struct {
	id       uint32
	uniforms map[string]Uniform
}

// Uniform is a parameter of a program; a negative one is ignored by GL, which
// is how a parameter the compiler has removed behaves.
type Uniform int32

// NewProgram compiles and links. The caller must Release it. It may block for
// as long as the driver compiles. GL thread.
func NewProgram(vertex, fragment Stage) (*Program, error) {
	vs, err := compile(gl.VERTEX_SHADER, vertex)
	if err != nil {
		return nil, err
	}
	defer gl.DeleteShader(vs)
	fs, err := compile(gl.FRAGMENT_SHADER, fragment)
	if err != nil {
		return nil, err
	}
	defer gl.DeleteShader(fs)
	p := &Program{id: gl.CreateProgram(), uniforms: map[string]Uniform{}}
	gl.AttachShader(p.id, vs)
	gl.AttachShader(p.id, fs)
	gl.LinkProgram(p.id)
	gl.DetachShader(p.id, vs)
	gl.DetachShader(p.id, fs)
	var ok, n int32
	if gl.GetProgramiv(p.id, gl.LINK_STATUS, &ok); ok == gl.FALSE {
		gl.GetProgramiv(p.id, gl.INFO_LOG_LENGTH, &n)
		log := make([]byte, n+1)
		gl.GetProgramInfoLog(p.id, n, nil, &log[0])
		p.Release()
		return nil, fmt.Errorf("gl: link %s and %s: %s", vertex.Name, fragment.Name, clean(log))
	}
	return p, Check("link " + fragment.Name)
}

func compile(kind uint32, s Stage) (uint32, error) {
	id := gl.CreateShader(kind)
	text, free := gl.Strs(s.Text + "\x00")
	defer free()
	gl.ShaderSource(id, 1, text, nil)
	gl.CompileShader(id)
	var ok, n int32
	if gl.GetShaderiv(id, gl.COMPILE_STATUS, &ok); ok == gl.FALSE {
		gl.GetShaderiv(id, gl.INFO_LOG_LENGTH, &n)
		log := make([]byte, n+1)
		gl.GetShaderInfoLog(id, n, nil, &log[0])
		gl.DeleteShader(id)
		message := clean(log)
		if s.Explain != nil {
			message = s.Explain(message)
		}
		return 0, fmt.Errorf("gl: compile %s: %s", s.Name, message)
	}
	return id, nil
}

func clean(log []byte) string { return strings.TrimRight(string(log), "\x00\n ") }

// Use makes the program the one that draws. GL thread.
func (p *Program) Use() { gl.UseProgram(p.id) }

// Uniform finds a parameter by name. GL thread.
func (p *Program) Uniform(name string) Uniform {
	u, ok := p.uniforms[name]
	if !ok {
		u = Uniform(gl.GetUniformLocation(p.id, gl.Str(name+"\x00")))
		p.uniforms[name] = u
	}
	return u
}

// Ints sets an int, ivec2, ivec3 or ivec4, by the number of values, of the
// program in use. GL thread.
func (u Uniform) Ints(v ...int32) {
	switch len(v) {
	case 1:
		gl.Uniform1i(int32(u), v[0])
	case 2:
		gl.Uniform2i(int32(u), v[0], v[1])
	case 3:
		gl.Uniform3i(int32(u), v[0], v[1], v[2])
	case 4:
		gl.Uniform4i(int32(u), v[0], v[1], v[2], v[3])
	default:
		panic(fmt.Sprintf("gl: internal error: uniform of %d ints", len(v)))
	}
}

// Floats sets a float, vec2, vec3, vec4 or, from nine values row by row, a mat3
// of the program in use. GL thread.
func (u Uniform) Floats(v ...float32) {
	switch len(v) {
	case 1:
		gl.Uniform1f(int32(u), v[0])
	case 2:
		gl.Uniform2f(int32(u), v[0], v[1])
	case 3:
		gl.Uniform3f(int32(u), v[0], v[1], v[2])
	case 4:
		gl.Uniform4f(int32(u), v[0], v[1], v[2], v[3])
	case 9:
		gl.UniformMatrix3fv(int32(u), 1, true, &v[0])
	default:
		panic(fmt.Sprintf("gl: internal error: uniform of %d floats", len(v)))
	}
}

// Release deletes the program. GL thread.
func (p *Program) Release() {
	if p == nil || p.id == 0 {
		return
	}
	gl.DeleteProgram(p.id)
	p.id = 0
}
