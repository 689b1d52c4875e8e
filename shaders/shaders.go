// Package shaders holds the GLSL of the compositor, one concept per file, and
// puts files together.
//
// A shader is version.glsl, the #defines asked for, the files it builds on and
// the file itself, one after the other and nothing else: no includes, no
// templates. A #line in front of each file makes the driver's messages point
// into that file, and [Source.Explain] puts the file's name back.
//
// The product uses the files it was built with, the zero [Files]. Whoever works
// on a shader loads its folder instead.
package shaders

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

//go:embed *.glsl
var embedded embed.FS

// Files is a set of shader files. The zero value is the set the program was built
// with. It never changes; safe for concurrent use.
type Files struct{ text map[string]string } // by name, without ".glsl"

// Load reads every shader file at the top of fsys.
func Load(fsys fs.FS) (Files, error) {
	names, err := fs.Glob(fsys, "*.glsl")
	if err != nil {
		return Files{}, err
	}
	f := Files{text: map[string]string{}}
	for _, n := range names {
		b, err := fs.ReadFile(fsys, n)
		if err != nil {
			return Files{}, err
		}
		f.text[strings.TrimSuffix(n, ".glsl")] = string(b)
	}
	if len(f.text) == 0 {
		return Files{}, errors.New("no .glsl file")
	}
	return f, nil
}

// builtIn is the set the program was built with; reading it cannot fail.
var builtIn = sync.OnceValue(func() Files {
	f, err := Load(embedded)
	if err != nil {
		panic("shaders: internal error: " + err.Error())
	}
	return f
})

// Text returns the text of a file by its name without ".glsl".
func (f Files) Text(name string) (string, bool) {
	if f.text == nil {
		f = builtIn()
	}
	t, ok := f.text[name]
	return t, ok
}

// Define is one #define; an empty Value defines the bare name.
type Define struct{ Name, Value string }

// Source is an assembled shader. It is a value; safe for concurrent use.
type Source struct {
	// Name is that of the last file, for errors.
	Name string
	// Text is what the driver compiles.
	Text string
	// names are the files by the number that #line gives them.
	names []string
}

// Names lists the files, sorted, without their ".glsl".
func (f Files) Names() []string {
	if f.text == nil {
		f = builtIn()
	}
	return slices.Sorted(maps.Keys(f.text))
}

// Assemble builds the shader whose last file is name, on top of the files in
// with, in that order. Names come without ".glsl".
func (f Files) Assemble(name string, defines []Define, with ...string) (Source, error) {
	text, ok := f.Text(name)
	if !ok {
		return Source{}, fmt.Errorf("shader %q: no such file", name)
	}
	return f.Generated(name, text, defines, with...)
}

// Generated builds a shader like Assemble whose last file is text made by a
// program.
func (f Files) Generated(name, text string, defines []Define, with ...string) (Source, error) {
	s := Source{Name: name}
	var b strings.Builder
	version, ok := f.Text("version")
	if !ok {
		return Source{}, fmt.Errorf("shader %q: version.glsl: no such file", name)
	}
	b.WriteString(version)
	s.names = append(s.names, "version.glsl")
	for _, d := range defines {
		fmt.Fprintf(&b, "#define %s\n", strings.TrimSpace(d.Name+" "+d.Value))
	}
	for _, w := range with {
		file, ok := f.Text(w)
		if !ok {
			return Source{}, fmt.Errorf("shader %q: builds on %q: no such file", name, w)
		}
		s.append(&b, w+".glsl", file)
	}
	s.append(&b, name+".glsl", text)
	s.Text = b.String()
	return s, nil
}

func (s *Source) append(b *strings.Builder, name, text string) {
	fmt.Fprintf(b, "#line 1 %d\n", len(s.names))
	b.WriteString(text)
	if !strings.HasSuffix(text, "\n") {
		b.WriteString("\n")
	}
	s.names = append(s.names, name)
}

// place finds what drivers write for "file number, line": Mesa 1:12(3), NVIDIA
// 1(12), glslang 1:12.
var place = regexp.MustCompile(`\b(\d+)(?::(\d+)|\((\d+)\))`)

// quoted is a name that a driver complains of.
var quoted = regexp.MustCompile("[`'\"]([A-Za-z_]\\w*)['\"]")

// Explain puts file names into a driver's message and adds the assembled
// source with the lines of the message marked.
func (s Source) Explain(log string) string {
	var marks []string
	last := map[string]int{} // file by line
	var named strings.Builder
	for text := range strings.Lines(log) {
		named.WriteString(place.ReplaceAllStringFunc(text, func(m string) string {
			g := place.FindStringSubmatch(m)
			n, err := strconv.Atoi(g[1])
			if err != nil || n >= len(s.names) {
				return m
			}
			line := g[2] + g[3]
			if name := quoted.FindStringSubmatch(text); n == 0 && name != nil {
				n = s.fileWith(name[1], line)
			} else if n == 0 {
				n = last[line] // what follows from an error is said of the same line
			}
			last[line] = n
			mark := s.names[n] + ":" + line
			marks = append(marks, mark)
			return mark
		}))
	}
	return named.String() + "\n" + s.numbered(marks)
}

// fileWith finds the file whose line of that number has a name in it. Mesa (22.3)
// says file 0 of every name it does not know, whichever file that is in.
func (s Source) fileWith(name, line string) int {
	has := regexp.MustCompile(`\b` + name + `\b`)
	for text := range strings.Lines(s.numbered(nil)) {
		at, code, _ := strings.Cut(strings.TrimSpace(text), " ")
		for i, file := range s.names {
			if at == file+":"+line && has.MatchString(code) {
				return i
			}
		}
	}
	return 0
}

// numbered returns the text with file:line before every line.
func (s Source) numbered(marks []string) string {
	var b strings.Builder
	file, line := 0, 0
	for text := range strings.Lines(s.Text) {
		line++
		if n, err := fmt.Sscanf(text, "#line 1 %d", &file); err == nil && n == 1 {
			line = 0
			continue
		}
		at := fmt.Sprintf("%s:%d", s.names[file], line)
		sign := ' '
		if slices.Contains(marks, at) {
			sign = '>'
		}
		fmt.Fprintf(&b, "%c %-22s %s", sign, at, text)
	}
	return b.String()
}
