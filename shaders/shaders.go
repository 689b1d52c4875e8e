// Package shaders holds the GLSL of the compositor, one concept per file, and
// puts files together.
//
// A shader is version.glsl, the #defines asked for, the files it builds on and
// the file itself, one after the other and nothing else: no includes, no
// templates. A #line in front of each file makes the driver's messages point
// into that file, and [Source.Explain] puts the file's name back.
package shaders

import (
	"embed"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

//go:embed *.glsl
var files embed.FS

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
func Names() []string {
	entries, err := fs.ReadDir(files, ".")
	if err != nil {
		panic("shaders: internal error: " + err.Error())
	}
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".glsl"))
	}
	return names
}

// Assemble builds the shader whose last file is name, on top of the files in
// with, in that order. Names come without ".glsl".
func Assemble(name string, defines []Define, with ...string) (Source, error) {
	text, err := files.ReadFile(name + ".glsl")
	if err != nil {
		return Source{}, fmt.Errorf("shader %q: no such file", name)
	}
	return Generated(name, string(text), defines, with...)
}

// Generated builds a shader like Assemble whose last file is text made by a
// program.
func Generated(name, text string, defines []Define, with ...string) (Source, error) {
	s := Source{Name: name}
	var b strings.Builder
	version, err := files.ReadFile("version.glsl")
	if err != nil {
		return Source{}, fmt.Errorf("shader %q: %w", name, err)
	}
	b.Write(version)
	s.names = append(s.names, "version.glsl")
	for _, d := range defines {
		fmt.Fprintf(&b, "#define %s\n", strings.TrimSpace(d.Name+" "+d.Value))
	}
	for _, w := range with {
		file, err := files.ReadFile(w + ".glsl")
		if err != nil {
			return Source{}, fmt.Errorf("shader %q: builds on %q: no such file", name, w)
		}
		s.append(&b, w+".glsl", string(file))
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

// Explain puts file names into a driver's message and adds the assembled
// source with the lines of the message marked.
func (s Source) Explain(log string) string {
	var marks []string
	named := place.ReplaceAllStringFunc(log, func(m string) string {
		g := place.FindStringSubmatch(m)
		n, err := strconv.Atoi(g[1])
		if err != nil || n >= len(s.names) {
			return m
		}
		mark := s.names[n] + ":" + g[2] + g[3]
		marks = append(marks, mark)
		return mark
	})
	return named + "\n" + s.numbered(marks)
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
