package encode

import (
	"fmt"

	"github.com/choirless/render/media"
)

// blocks cuts sound of any length into blocks of one size.
type blocks struct {
	buf  [][]float32
	n    int // sample frames in buf
	size int
	view [][]float32
}

func newBlocks(channels, size int) blocks {
	b := blocks{size: size, buf: make([][]float32, channels), view: make([][]float32, channels)}
	for i := range b.buf {
		b.buf[i] = make([]float32, size)
	}
	return b
}

// add calls full with every complete block; the slices are only lent.
func (k *blocks) add(b media.Block, full func([][]float32) error) error {
	if len(b.Channels) != len(k.buf) {
		return fmt.Errorf("encode: block of %d channels, want %d", len(b.Channels), len(k.buf))
	}
	for at, n := 0, b.Len(); at < n; {
		if k.n == 0 && n-at >= k.size { // no copy
			for i, c := range b.Channels {
				k.view[i] = c[at : at+k.size]
			}
			if err := full(k.view); err != nil {
				return err
			}
			at += k.size
			continue
		}
		m := min(k.size-k.n, n-at)
		for i, c := range b.Channels {
			copy(k.buf[i][k.n:], c[at:at+m])
		}
		k.n += m
		at += m
		if k.n == k.size {
			k.n = 0
			if err := full(k.buf); err != nil {
				return err
			}
		}
	}
	return nil
}

// pad returns the last block filled up with silence, nil when nothing is left.
func (k *blocks) pad() [][]float32 {
	if k.n == 0 {
		return nil
	}
	for _, c := range k.buf {
		clear(c[k.n:])
	}
	k.n = 0
	return k.buf
}

// rest returns what is left, nil when nothing is.
func (k *blocks) rest() [][]float32 {
	if k.n == 0 {
		return nil
	}
	for i, c := range k.buf {
		k.view[i] = c[:k.n]
	}
	k.n = 0
	return k.view
}
