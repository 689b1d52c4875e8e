package definition

import (
	"fmt"
	"math"
)

// Import reads a definition of earlier Choirless programs. It takes numbers in
// strings, the field "offet" for offset, panning for pan where pan is missing, a
// missing or null position, and passes over fields it does not know. Fractional,
// odd and overhanging rectangles are snapped inwards to even pixels of the canvas.
// What it mended is in the notes, for a person. The result is valid as Parse means it,
// or the faults are returned.
func Import(b []byte) (*Definition, []string, error) {
	fs := &faults{tolerant: true}
	v, err := readTree(b, fs)
	if err != nil {
		return nil, nil, fmt.Errorf("definition: %w", err)
	}
	d := readDefinition(v, fs)
	if d.Version == 0 {
		d.Version = Version
	}
	if size, ok := d.Output.Size.Get(); ok {
		d.Output.Size = Some(Pair{size[0] &^ 1, size[1] &^ 1})
	}
	if t, ok := d.Output.ReverbType.Get(); ok && t == "" {
		d.Output.ReverbType = Optional[string]{}
	}
	canvas := d.Output.Or(Defaults()).Size.Or(Pair{})
	for i := range d.Inputs {
		d.Inputs[i].fitInto(canvas, fmt.Sprintf("inputs[%d]", i), fs)
	}
	d.validate(fs)
	if err := fs.err(); err != nil {
		return nil, fs.notes, fmt.Errorf("definition: %w", err)
	}
	return d, fs.notes, nil
}

// snap turns a rectangle in fractions of pixels into the largest even one inside it.
func snap(o *object, size, pos Optional[Pair], s, p [2]float64) (Optional[Pair], Optional[Pair]) {
	if size.IsZero() || pos.IsZero() {
		return size, pos
	}
	var ns, np Pair
	moved := false
	for i := range 2 {
		lo := evenUp(p[i])
		hi := evenDown(p[i] + s[i])
		np[i], ns[i] = lo, hi-lo
		moved = moved || float64(lo) != p[i] || float64(hi-lo) != s[i]
	}
	if moved {
		o.fs.note(o.path, "tile %gx%g at %g, %g snapped to even pixels", s[0], s[1], p[0], p[1])
	}
	return Some(ns), Some(np)
}

// The tiny slack keeps 12.000000001 at 12.
func evenUp(v float64) int   { return 2 * int(math.Ceil(clampPx(v)/2-1e-6)) }
func evenDown(v float64) int { return 2 * int(math.Floor(clampPx(v)/2+1e-6)) }

func clampPx(v float64) float64 { return max(-1e6, min(1e6, v)) }

// fitInto cuts a tile down to the canvas, and takes away a tile with nothing left.
func (in *Input) fitInto(canvas Pair, path string, fs *faults) {
	if in.Position.IsZero() && !in.Size.IsZero() {
		in.Size = Optional[Pair]{} // hidden parts keep their size in old files
	}
	if !in.Shown() {
		return
	}
	size, pos := in.Size.Or(Pair{}), in.Position.Or(Pair{})
	was := [2]Pair{size, pos}
	for i := range 2 {
		end := min(pos[i]+size[i], canvas[i])
		pos[i] = max(pos[i], 0)
		size[i] = end - pos[i]
	}
	if size[0] < 2 || size[1] < 2 {
		fs.note(path, "tile %dx%d at %d, %d is outside the %dx%d canvas: the part is only heard",
			was[0][0], was[0][1], was[1][0], was[1][1], canvas[0], canvas[1])
		in.Size, in.Position = Optional[Pair]{}, Optional[Pair]{}
		return
	}
	if was != [2]Pair{size, pos} {
		fs.note(path, "tile cut down to the %dx%d canvas", canvas[0], canvas[1])
	}
	in.Size, in.Position = Some(size), Some(pos)
}
