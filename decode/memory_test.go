package decode

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/choirless/render/internal/avtest"
)

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

// Opening and closing over and over, read to the end or left in the middle,
// leaves nothing behind.
func TestMemoryIsFlat(t *testing.T) {
	data := avtest.Movie{
		Container: "webm", Video: "libvpx", Times: avtest.Steady(10, 30),
		Audio: "libopus", Samples: 16000,
	}.Bytes(t)
	round := func(i int) {
		v, err := OpenVideo(t.Context(), bytes.NewReader(data), VideoOptions{})
		if err != nil {
			t.Fatal(err)
		}
		s := NewSampler(v, 20*ms)
		for n := range i % 12 {
			if _, _, err := s.At(time.Duration(n) * 33 * ms); err != nil {
				t.Fatal(err)
			}
		}
		v.Close()
		a, err := OpenAudio(t.Context(), bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		for range i % 5 {
			if _, err := a.Read(); err != nil && err != io.EOF {
				t.Fatal(err)
			}
		}
		a.Close()
		if _, err := Probe(t.Context(), bytes.NewReader(data[:len(data)*(i%10)/10])); err == nil && i%10 == 0 {
			t.Fatal("an empty file was accepted")
		}
	}
	for i := range 60 { // allocators fill their pools
		round(i)
	}
	before := resident(t)
	for i := range 200 {
		round(i)
	}
	// glibc's arenas, one per thread, wander by some MB; a decoder lost in every
	// round would be 60 MB.
	if grown := resident(t) - before; grown > 24<<20 {
		t.Errorf("200 rounds left %d KiB behind", grown>>10)
	}
}
