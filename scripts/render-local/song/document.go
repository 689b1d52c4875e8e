package song

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// A document is JSON text that a person wrote, with where each value lies in it,
// so that a value can be changed and everything else, order, indents and all,
// stays as it is.
type document struct {
	text []byte
	root *span
}

// span is a value: text[from:to].
type span struct {
	kind     json.Delim // '{', '[' or 0
	from, to int
	keys     []string
	starts   []int   // of the elements: a key's quote, or the value itself
	values   []*span // of an object, by key; of a list
	str      string  // of a string
}

func parseDocument(text []byte) (*document, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	root, err := readSpan(d, text)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more follows after the document")
	}
	return &document{text, root}, nil
}

func readSpan(d *json.Decoder, text []byte) (*span, error) {
	s := &span{from: between(text, int(d.InputOffset()))}
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t := t.(type) {
	case json.Delim:
		s.kind = t
		for d.More() {
			start := between(text, int(d.InputOffset()))
			if t == '{' {
				k, err := d.Token()
				if err != nil {
					return nil, err
				}
				s.keys = append(s.keys, k.(string))
			}
			v, err := readSpan(d, text)
			if err != nil {
				return nil, err
			}
			s.starts = append(s.starts, start)
			s.values = append(s.values, v)
		}
		if _, err := d.Token(); err != nil {
			return nil, err
		}
	case string:
		s.str = t
	}
	s.to = int(d.InputOffset())
	return s, nil
}

// between skips what lies between two tokens: the decoder stands behind the one
// before.
func between(text []byte, at int) int {
	for at < len(text) && strings.IndexByte(" \t\r\n,:", text[at]) >= 0 {
		at++
	}
	return at
}

func (s *span) get(key string) *span {
	if i := slices.Index(s.keys, key); i >= 0 {
		return s.values[i]
	}
	return nil
}

// setIn sets fields of the object that has the given id in the list (or object of
// objects) at path, and appends one when there is none.
func (d *document) setIn(path, idKeys []string, id string, fields map[string]any) ([]byte, error) {
	list := d.root
	for _, k := range path {
		// A song file may also be the bare list, or objects by id.
		if list.kind == '{' && list.get(k) != nil {
			list = list.get(k)
		}
	}
	if list.kind == 0 {
		return nil, errors.New("no list of parts")
	}
	for i, v := range list.values {
		same := list.kind == '{' && list.keys[i] == id
		for _, k := range idKeys {
			if f := v.get(k); f != nil {
				same = f.str == id
			}
		}
		if same && v.kind == '{' {
			return d.setFields(v, fields)
		}
	}
	if list == d.root && list.kind == '{' {
		return nil, errors.New("not in the document")
	}
	body := []string{}
	if list.kind == '[' {
		body = append(body, fmt.Sprintf("%q: %q", idKeys[0], id))
	}
	for _, k := range slices.Sorted(maps.Keys(fields)) {
		v, err := encode(fields[k])
		if err != nil {
			return nil, err
		}
		body = append(body, fmt.Sprintf("%q: %s", k, v))
	}
	entry := "{" + strings.Join(body, ", ") + "}"
	if list.kind == '{' {
		entry = fmt.Sprintf("%q: %s", id, entry)
	}
	return d.insert(list, entry), nil
}

// setOutput sets a field of the document's output, which is made when there is none.
func (d *document) setOutput(key string, value any) ([]byte, error) {
	if d.root.kind != '{' {
		return nil, errors.New("the document is a bare list of parts, which has no room for it")
	}
	if out := d.root.get("output"); out != nil && out.kind == '{' {
		return d.setFields(out, map[string]any{key: value})
	}
	return d.setFields(d.root, map[string]any{"output": map[string]any{key: value}})
}

// setFields changes the values of an object's keys and adds the keys it lacks.
func (d *document) setFields(obj *span, fields map[string]any) ([]byte, error) {
	type change struct {
		at   *span
		text string
	}
	var changes []change
	var missing []string
	for _, k := range slices.Sorted(maps.Keys(fields)) {
		v, err := encode(fields[k])
		if err != nil {
			return nil, err
		}
		if at := obj.get(k); at != nil {
			changes = append(changes, change{at, v})
		} else {
			missing = append(missing, fmt.Sprintf("%q: %s", k, v))
		}
	}
	text := d.text
	if len(missing) > 0 {
		text = d.insert(obj, strings.Join(missing, ", "))
	}
	// From the back, so that places stay; an insertion lies behind them all.
	slices.SortFunc(changes, func(a, b change) int { return b.at.from - a.at.from })
	for _, c := range changes {
		text = slices.Concat(text[:c.at.from], []byte(c.text), text[c.at.to:])
	}
	return text, nil
}

// insert adds an element at the end of an object or list, in the manner of the
// one before it: on a line of its own when that is.
func (d *document) insert(in *span, element string) []byte {
	if len(in.values) == 0 {
		return slices.Concat(d.text[:in.from+1], []byte(element), d.text[in.to-1:])
	}
	last := in.values[len(in.values)-1]
	lead := d.text[:in.starts[len(in.starts)-1]]
	gap := lead[len(bytes.TrimRight(lead, " \t\r\n")):]
	if !bytes.ContainsRune(gap, '\n') {
		gap = []byte(" ")
	}
	return slices.Concat(d.text[:last.to], []byte(","), gap, []byte(element), d.text[last.to:])
}
