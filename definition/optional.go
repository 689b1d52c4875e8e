package definition

import "encoding/json"

// Optional is a field that may be left out, so that 0, false and "" can be said
// and are never mistaken for silence. The zero value is "left out"; it is omitted
// by encoding/json under the omitzero option, and null reads as left out.
type Optional[T any] struct {
	v   T
	set bool
}

// Some returns an Optional that says v.
func Some[T any](v T) Optional[T] { return Optional[T]{v, true} }

// Get returns the value and whether one was said.
func (o Optional[T]) Get() (T, bool) { return o.v, o.set }

// Or returns the value, or def when none was said.
func (o Optional[T]) Or(def T) T {
	if o.set {
		return o.v
	}
	return def
}

// OrElse returns o when it says something, else other.
func (o Optional[T]) OrElse(other Optional[T]) Optional[T] {
	if o.set {
		return o
	}
	return other
}

// IsZero reports that nothing was said.
func (o Optional[T]) IsZero() bool { return !o.set }

// MarshalJSON writes the value, or null when none was said.
func (o Optional[T]) MarshalJSON() ([]byte, error) {
	if !o.set {
		return []byte("null"), nil
	}
	return json.Marshal(o.v)
}

// UnmarshalJSON reads a value; null is none.
func (o *Optional[T]) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*o = Optional[T]{}
		return nil
	}
	if err := json.Unmarshal(b, &o.v); err != nil {
		return err
	}
	o.set = true
	return nil
}
