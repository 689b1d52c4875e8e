package definition

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Documents are read into a tree of values first and then field by field, because
// encoding/json stops at its first fault and says nothing of fields given twice.

// A Fault is one thing wrong with a document. Parse joins them all.
type Fault struct {
	Path string // such as inputs[3].pan
	Text string
}

// Error returns "path: text".
func (f *Fault) Error() string {
	if f.Path == "" {
		return f.Text
	}
	return f.Path + ": " + f.Text
}

// value is a JSON value at a path. Exactly one field besides path is set, by kind.
type value struct {
	kind byte // 'o'bject 'a'rray 's'tring 'n'umber 'b'ool '0' null
	path string
	obj  map[string]value
	keys []string // of obj, in order
	arr  []value
	str  string // of a string or number
	b    bool
}

var kindNames = map[byte]string{'o': "an object", 'a': "a list", 's': "a string", 'n': "a number", 'b': "true or false", '0': "null"}

// maxDepth bounds the nesting of a document; ours need four.
const maxDepth = 32

// maxDocument bounds the size of a document in bytes: 4,096 inputs need about 1 MB.
const maxDocument = 16 << 20

func readTree(b []byte, fs *faults) (value, error) {
	if len(b) > maxDocument {
		return value{}, fmt.Errorf("%d bytes, at most %d", len(b), maxDocument)
	}
	b = bytes.TrimPrefix(b, []byte("\ufeff"))
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	v, err := readValue(d, "", 0, fs)
	if err == nil {
		if _, end := d.Token(); end != io.EOF {
			err = errors.New("more follows after the document")
		}
	}
	if err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			err = errors.New("ends in the middle")
		}
		at := min(int(d.InputOffset()), len(b))
		line := bytes.Count(b[:at], []byte("\n")) + 1
		return value{}, fmt.Errorf("not JSON: line %d: %w", line, err)
	}
	return v, nil
}

func readValue(d *json.Decoder, path string, depth int, fs *faults) (value, error) {
	if depth > maxDepth {
		return value{}, fmt.Errorf("nested deeper than %d", maxDepth)
	}
	t, err := d.Token()
	if err != nil {
		return value{}, err
	}
	switch t := t.(type) {
	case json.Delim:
		if t == '[' {
			return readArray(d, path, depth, fs)
		}
		return readObject(d, path, depth, fs)
	case string:
		return value{kind: 's', path: path, str: t}, nil
	case json.Number:
		return value{kind: 'n', path: path, str: t.String()}, nil
	case bool:
		return value{kind: 'b', path: path, b: t}, nil
	}
	return value{kind: '0', path: path}, nil
}

func readArray(d *json.Decoder, path string, depth int, fs *faults) (value, error) {
	v := value{kind: 'a', path: path}
	for d.More() {
		e, err := readValue(d, fmt.Sprintf("%s[%d]", path, len(v.arr)), depth+1, fs)
		if err != nil {
			return v, err
		}
		v.arr = append(v.arr, e)
	}
	_, err := d.Token()
	return v, err
}

func readObject(d *json.Decoder, path string, depth int, fs *faults) (value, error) {
	v := value{kind: 'o', path: path, obj: map[string]value{}}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return v, err
		}
		k := t.(string)
		p := k
		if path != "" {
			p = path + "." + k
		}
		e, err := readValue(d, p, depth+1, fs)
		if err != nil {
			return v, err
		}
		if _, twice := v.obj[k]; twice {
			fs.add(p, "given twice")
		} else {
			v.keys = append(v.keys, k)
		}
		v.obj[k] = e
	}
	_, err := d.Token()
	return v, err
}

// faults collects what is wrong, and, in the tolerant temper, what was mended.
type faults struct {
	tolerant bool
	list     []error
	seen     map[string]bool
	notes    []string
}

// add reports a fault, the first one at each path.
func (fs *faults) add(path, format string, args ...any) {
	if fs.seen == nil {
		fs.seen = map[string]bool{}
	}
	if !fs.seen[path] {
		fs.seen[path] = true
		fs.list = append(fs.list, &Fault{path, fmt.Sprintf(format, args...)})
	}
}

func (fs *faults) note(path, format string, args ...any) {
	fs.notes = append(fs.notes, (&Fault{path, fmt.Sprintf(format, args...)}).Error())
}

func (fs *faults) err() error { return errors.Join(fs.list...) }
