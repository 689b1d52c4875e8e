package definition

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// object reads the fields of one JSON object and remembers which it was asked for.
type object struct {
	value
	fs   *faults
	used map[string]string // spelling that was asked for → the name it stands for
}

// open returns the fields of v; an object without fields, and a fault, when v is
// something else.
func (fs *faults) open(v value) *object {
	if v.kind != 'o' {
		fs.add(v.path, "is %s, want an object", kindNames[v.kind])
	}
	return &object{value: v, fs: fs, used: map[string]string{}}
}

// get returns the value of a field by its name or the first alias that is there.
// null is the same as nothing.
func (o *object) get(names ...string) (value, bool) {
	var out value
	found := false
	for _, n := range names {
		o.used[n] = names[0]
		if v, ok := o.obj[n]; ok && v.kind != '0' && !found {
			out, found = v, true
		}
	}
	return out, found
}

// done reports the fields that nobody asked for; the tolerant temper passes them over.
func (o *object) done(hints map[string]string) {
	if o.fs.tolerant {
		return
	}
	for _, k := range o.keys {
		if o.used[k] != "" {
			continue
		}
		path := o.obj[k].path
		if h := hints[k]; h != "" {
			o.fs.add(path, "unknown field: %s", h)
		} else if near := nearest(k, o.used); near != "" {
			o.fs.add(path, "unknown field, did you mean %q?", near)
		} else {
			o.fs.add(path, "unknown field")
		}
	}
}

// nearest returns the known name that differs from k in case or in at most two letters.
func nearest(k string, known map[string]string) string {
	best, at := "", 3
	for _, n := range slices.Sorted(mapKeys(known)) {
		if d := distance(strings.ToLower(k), strings.ToLower(n)); d < at && d < len(n)/2+1 {
			best, at = n, d
		}
	}
	return best
}

func mapKeys(m map[string]string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// distance is the number of letters to add, drop or change to get from a to b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diag := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diag
			if a[i] != b[j] {
				cost++
			}
			diag = row[j+1]
			row[j+1] = min(cost, row[j]+1, diag+1)
		}
	}
	return row[len(b)]
}

func (o *object) str(names ...string) Optional[string] {
	v, ok := o.get(names...)
	if !ok {
		return Optional[string]{}
	}
	if v.kind == 'n' && o.fs.tolerant {
		return Some(v.str)
	}
	if v.kind != 's' {
		o.fs.add(v.path, "is %s, want a string", kindNames[v.kind])
		return Optional[string]{}
	}
	return Some(v.str)
}

func (o *object) number(names ...string) Optional[float64] {
	v, ok := o.get(names...)
	if !ok {
		return Optional[float64]{}
	}
	return o.fs.number(v)
}

// numbers reads an object of numbers.
func (o *object) numbers(name string) Optional[map[string]float64] {
	v, ok := o.get(name)
	if !ok {
		return Optional[map[string]float64]{}
	}
	if v.kind != 'o' {
		o.fs.add(v.path, "is %s, want an object of numbers", kindNames[v.kind])
		return Optional[map[string]float64]{}
	}
	out := map[string]float64{}
	for k, e := range v.obj {
		if n, ok := o.fs.number(e).Get(); ok {
			out[k] = n
		}
	}
	return Some(out)
}

func (fs *faults) number(v value) Optional[float64] {
	if v.kind != 'n' && !(fs.tolerant && v.kind == 's') {
		fs.add(v.path, "is %s, want a number", kindNames[v.kind])
		return Optional[float64]{}
	}
	s := v.str
	if fs.tolerant {
		if s = strings.TrimSpace(s); s == "" {
			return Optional[float64]{}
		}
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
		fs.add(v.path, "%q is no number that can be used", v.str)
		return Optional[float64]{}
	}
	if f == 0 {
		f = 0 // no negative zero: canonical bytes
	}
	return Some(f)
}

func (o *object) integer(names ...string) Optional[int] {
	v, ok := o.get(names...)
	if !ok {
		return Optional[int]{}
	}
	return o.fs.integer(v)
}

func (fs *faults) integer(v value) Optional[int] {
	f, ok := fs.number(v).Get()
	if !ok {
		return Optional[int]{}
	}
	if math.Abs(f) > 1<<30 {
		fs.add(v.path, "%s is out of any range", v.str)
		return Optional[int]{}
	}
	if f != math.Trunc(f) {
		if !fs.tolerant {
			fs.add(v.path, "%s is not a whole number", v.str)
			return Optional[int]{}
		}
		f = math.Round(f)
	}
	return Some(int(f))
}

func (o *object) boolean(names ...string) Optional[bool] {
	v, ok := o.get(names...)
	switch {
	case !ok:
		return Optional[bool]{}
	case v.kind == 'b':
		return Some(v.b)
	case o.fs.tolerant && (v.str == "1" || v.str == "true"):
		return Some(true)
	case o.fs.tolerant && v.kind != 'o' && v.kind != 'a' && (v.str == "0" || v.str == "false" || v.str == ""):
		return Some(false)
	}
	o.fs.add(v.path, "is %s, want true or false", kindNames[v.kind])
	return Optional[bool]{}
}

// pair reads two whole numbers. The tolerant temper leaves fractions to the caller.
func (o *object) pair(names ...string) (Optional[Pair], [2]float64) {
	v, ok := o.get(names...)
	if !ok {
		return Optional[Pair]{}, [2]float64{}
	}
	if v.kind != 'a' || len(v.arr) != 2 {
		o.fs.add(v.path, "want a list of two whole numbers")
		return Optional[Pair]{}, [2]float64{}
	}
	var p Pair
	var f [2]float64
	for i, e := range v.arr {
		n, ok := o.fs.integer(e).Get()
		if !ok {
			return Optional[Pair]{}, f
		}
		p[i], f[i] = n, o.fs.number(e).Or(0)
	}
	return Some(p), f
}

// strings reads a list of strings.
func (o *object) strings(names ...string) []string {
	v, ok := o.get(names...)
	if !ok {
		return nil
	}
	if v.kind != 'a' {
		o.fs.add(v.path, "is %s, want a list of strings", kindNames[v.kind])
		return nil
	}
	var out []string
	for _, e := range v.arr {
		if e.kind != 's' {
			o.fs.add(e.path, "is %s, want a string", kindNames[e.kind])
			continue
		}
		out = append(out, e.str)
	}
	return out
}

// text reads a string through parse, which says what is wrong with it.
func text[T any](o *object, parse func(string) (T, error), names ...string) Optional[T] {
	s, ok := o.str(names...).Get()
	if !ok {
		return Optional[T]{}
	}
	v, err := parse(s)
	if err != nil {
		o.fs.add(o.obj[names[0]].path, "%v", err)
		return Optional[T]{}
	}
	return Some(v)
}

// oneOf reads a string that must be one of the words.
func oneOf[T ~string](o *object, words []T, names ...string) Optional[T] {
	s, ok := o.str(names...).Get()
	if !ok || (o.fs.tolerant && s == "") {
		return Optional[T]{}
	}
	t := T(s)
	if o.fs.tolerant {
		t = T(strings.ToLower(s))
	}
	if !slices.Contains(words, t) {
		v, _ := o.get(names...)
		o.fs.add(v.path, "%q is none of %s", s, quoted(words))
		return Optional[T]{}
	}
	return Some(t)
}

func quoted[T ~string](words []T) string {
	var q []string
	for _, w := range words {
		q = append(q, strconv.Quote(string(w)))
	}
	return strings.Join(q, ", ")
}

// crop reads a window of a picture.
func (o *object) crop(name string) Optional[Crop] {
	v, ok := o.get(name)
	if !ok {
		return Optional[Crop]{}
	}
	if v.kind != 'a' || len(v.arr) != 4 {
		o.fs.add(v.path, "want a list of four numbers: x, y, width, height")
		return Optional[Crop]{}
	}
	var c Crop
	for i, e := range v.arr {
		n, ok := o.fs.number(e).Get()
		if !ok {
			return Optional[Crop]{}
		}
		c[i] = n
	}
	return Some(c)
}
