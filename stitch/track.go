package stitch

import (
	"fmt"
	"math"
	"math/bits"
)

// track is the index of one track: what the movie's boxes say about samples
// that are already written. Times are in ticks of 1/timescale seconds.
type track struct {
	id        uint32
	timescale uint32
	sizes     []uint32
	durations runs
	chunks    []chunk
	bytes     int64

	// Edit list: the presentation begins skip ticks into the media and lasts
	// length ticks.
	skip, length int64
}

// chunk is a run of samples that lie one after the other in the file.
type chunk struct {
	offset  int64
	samples uint32
}

// run is a value that count samples in a row have.
type run struct {
	count uint32
	value int64
}

type runs []run

func (r *runs) add(value int64) {
	if n := len(*r); n > 0 && (*r)[n-1].value == value {
		(*r)[n-1].count++
		return
	}
	*r = append(*r, run{1, value})
}

// total returns the sum over all samples.
func (r runs) total() int64 {
	var t int64
	for _, x := range r {
		t += int64(x.count) * x.value
	}
	return t
}

// beginChunk says that the next sample begins a chunk at offset.
func (t *track) beginChunk(offset int64) { t.chunks = append(t.chunks, chunk{offset: offset}) }

// sample adds a sample to the chunk begun last.
func (t *track) sample(size int, duration int64) {
	t.sizes = append(t.sizes, uint32(size))
	t.durations.add(duration)
	t.chunks[len(t.chunks)-1].samples++
	t.bytes += int64(size)
}

// videoTrack is a track of H.264 pictures.
type videoTrack struct {
	track
	sps, pps []byte
	format   *sps
	sync     []uint32 // numbers of the IDR pictures, from 1 (stss)
	shift    runs     // display time less decoding time, in pictures
	delay    int64    // pictures; the largest advance of any picture
	perFrame int64    // ticks
}

// audioTrack is a track of AAC access units.
type audioTrack struct {
	track
	config   []byte
	channels int
	peak     int64 // largest sample in bytes
}

// minVideoTimescale is the least number of ticks per second of a video track:
// players that count in whole ticks of it stay within 0.1 ms.
const minVideoTimescale = 10000

// videoClock returns a timescale and the ticks of a picture, exact for the rate.
func videoClock(num, den int64) (timescale uint32, perFrame int64, err error) {
	if num <= 0 || den <= 0 || num > math.MaxInt32 || den > math.MaxInt32 {
		return 0, 0, fmt.Errorf("frame rate %d/%d: out of range", num, den)
	}
	for num < minVideoTimescale {
		num, den = 2*num, 2*den
	}
	return uint32(num), den, nil
}

// rescale returns ticks of one timescale in another, rounded up, so that the
// last sample is not cut off.
func rescale(ticks int64, from, to uint32) int64 {
	hi, lo := bits.Mul64(uint64(ticks), uint64(to))
	lo, carry := bits.Add64(lo, uint64(from)-1, 0)
	q, _ := bits.Div64(hi+carry, lo, uint64(from))
	return int64(q)
}
