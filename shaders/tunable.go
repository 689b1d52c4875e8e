package shaders

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Tunable is a uniform float that a definition may set, marked in the shader's
// text:
//
//	uniform float gamma;  // tune 0.5..2.0 = 1.0, what it does
type Tunable struct {
	Name                 string
	Least, Most, Default float64
	File                 string // without ".glsl"
	Line                 int
}

// tunable finds the mark; numbers are checked afterwards.
var tunable = regexp.MustCompile(`^\s*uniform\s+float\s+(\w+)\s*;\s*//\s*tune\b\s*(.*)$`)

// tuneRange is what stands behind the mark.
var tuneRange = regexp.MustCompile(`^(-?[\d.]+)\s*\.\.\s*(-?[\d.]+)\s*=\s*(-?[\d.]+)(?:[,\s].*)?$`)

// Tunables lists the uniforms marked as tunable, by file and line. A mark that
// cannot be read is an error that names file and line.
func (f Files) Tunables() ([]Tunable, error) {
	var out []Tunable
	seen := map[string]string{}
	for _, name := range f.Names() {
		text, _ := f.Text(name)
		line := 0
		for l := range strings.Lines(text) {
			line++
			m := tunable.FindStringSubmatch(strings.TrimRight(l, "\r\n"))
			if m == nil {
				continue
			}
			at := fmt.Sprintf("%s.glsl:%d", name, line)
			t, err := parseTunable(m[1], m[2])
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", at, m[1], err)
			}
			if seen[t.Name] != "" {
				return nil, fmt.Errorf("%s: %s: is tunable in %s already", at, t.Name, seen[t.Name])
			}
			t.File, t.Line, seen[t.Name] = name, line, at
			out = append(out, t)
		}
	}
	return out, nil
}

func parseTunable(name, mark string) (Tunable, error) {
	t := Tunable{Name: name}
	m := tuneRange.FindStringSubmatch(mark)
	if m == nil {
		return t, fmt.Errorf("tune %q, want LEAST..MOST = DEFAULT", mark)
	}
	for i, to := range []*float64{&t.Least, &t.Most, &t.Default} {
		v, err := strconv.ParseFloat(m[i+1], 64)
		if err != nil {
			return t, fmt.Errorf("tune: %q is no number", m[i+1])
		}
		*to = v
	}
	if t.Least >= t.Most || t.Default < t.Least || t.Default > t.Most {
		return t, fmt.Errorf("tune %g..%g = %g: want LEAST below MOST and DEFAULT between them", t.Least, t.Most, t.Default)
	}
	return t, nil
}
