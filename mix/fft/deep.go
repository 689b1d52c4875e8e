package fft

// deep will hold the cache-blocked transform of large lengths.
type deep struct{}

func newDeep(int) *deep { return nil }

func (d *deep) forward(re, im, ur, ui []float32) {}
