package encode_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"runtime"
	"testing"

	"github.com/choirless/render/encode"
	"github.com/choirless/render/internal/avtest"
	"github.com/choirless/render/media"
)

// Encoders that are closed, finished or not, leave nothing behind.
func TestMemoryIsFlat(t *testing.T) {
	block := tone(5000)
	f := media.NewFrame(320, 96)
	round := func(n int) {
		c, err := encode.NewCell(io.Discard, cellOptions())
		if err != nil {
			t.Fatal(err)
		}
		for range n % 5 {
			if err := c.Write(f); err != nil {
				t.Fatal(err)
			}
		}
		c.Close()
		a, err := encode.NewAAC(48000, 2, 0)
		if err != nil {
			t.Fatal(err)
		}
		a.Write(block)
		a.Close()
		w, err := encode.NewConverted(&avtest.Buffer{}, encode.ConvertedOptions{Like: f, Channels: 2})
		if err != nil {
			t.Fatal(err)
		}
		w.WriteSound(block)
		w.WritePicture(f)
		if n%2 == 0 {
			w.Discard()
		} else if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 240 { // allocators fill their pools
		round(n)
	}
	before := resident(t)
	for n := range 200 {
		round(n)
	}
	// glibc's arenas, one per thread, wander by some 15 MB (not at all with
	// MALLOC_ARENA_MAX=1); an encoder lost in every round would be 100 MB.
	if grown := resident(t) - before; grown > 32<<20 {
		t.Errorf("200 rounds left %d KiB behind", grown>>10)
	}
}

// A song opens the next cell's encoder before it closes the last one's, of the
// same size or another; what one gives back must neither be missing nor seen in
// the other. 3840x2160 has blocks longer than an area of the patched libx264.
func TestCellsOverlap(t *testing.T) {
	sizes := []struct{ width, height int }{{1280, 352}, {320, 96}, {3840, 2160}, {1280, 352}, {1920, 272}}
	const pictures = 4
	o := func(n int) encode.CellOptions {
		o := cellOptions()
		o.Width, o.Height, o.CanvasHeight = sizes[n%len(sizes)].width, sizes[n%len(sizes)].height, 2160
		return o
	}
	alone := make([][]byte, len(sizes))
	for n := range sizes {
		alone[n], _ = cell(t, o(n), pictures)
	}
	round := func() {
		var last *encode.Cell
		outs := make([]bytes.Buffer, len(sizes))
		for n := range sizes {
			c, err := encode.NewCell(&outs[n], o(n))
			if err != nil {
				t.Fatal(err)
			}
			f := media.NewFrame(o(n).Width, o(n).Height)
			for k := range pictures {
				avtest.Number(f, k)
				if err := c.Write(f); err != nil {
					t.Fatal(err)
				}
				if k == pictures/2 && last != nil {
					if err := last.Close(); err != nil {
						t.Fatal(err)
					}
				}
			}
			last = c
		}
		if err := last.Close(); err != nil {
			t.Fatal(err)
		}
		for n := range sizes {
			if !bytes.Equal(outs[n].Bytes(), alone[n]) {
				t.Fatalf("%dx%d: other bytes than when it was encoded alone", o(n).Width, o(n).Height)
			}
		}
	}
	round()
	before := resident(t)
	for range 4 {
		round()
	}
	// One 4K encoder lost would be 100 MB and more.
	if grown := resident(t) - before; grown > 48<<20 {
		t.Errorf("4 rounds left %d KiB behind", grown>>10)
	}
}

// resident is the memory of this process in bytes, C's included.
func resident(t *testing.T) int {
	t.Helper()
	runtime.GC()
	data, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Skip("no /proc to read memory from")
	}
	var size, pages int
	fmt.Sscan(string(data), &size, &pages)
	return pages * os.Getpagesize()
}
