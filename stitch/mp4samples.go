package stitch

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// table is a full box with a list: version and flags, entry count, entries.
type table struct {
	b []byte // the entries
	n int
}

// entries checks that a list of entries of size bytes is as long as it says.
func entries(name string, b []byte, size int) (table, error) {
	if b == nil {
		return table{}, fmt.Errorf("no %s", name)
	}
	if len(b) < 8 {
		return table{}, fmt.Errorf("%s: %w", name, errCutShort)
	}
	n := int64(binary.BigEndian.Uint32(b[4:]))
	if n*int64(size) > int64(len(b)-8) {
		return table{}, fmt.Errorf("%s: %d entries in %d bytes", name, n, len(b)-8)
	}
	return table{b[8:], int(n)}, nil
}

func (t table) u32(at int) uint32 { return binary.BigEndian.Uint32(t.b[4*at:]) }

// parseSamples reads the tables that say how long samples last and where they
// lie (14496-12, 8.6.1.2, 8.7.3 to 8.7.5).
func (t *mp4Index) parseSamples(stbl []byte) error {
	stts, err := child(stbl, "stts")
	if err != nil {
		return err
	}
	times, err := entries("stts", stts, 8)
	if err != nil {
		return err
	}
	for i := range times.n {
		t.length += int64(times.u32(2*i)) * int64(times.u32(2*i+1))
	}
	sizes, err := sampleSizes(stbl)
	if err != nil {
		return err
	}
	offsets, err := chunkOffsets(stbl)
	if err != nil {
		return err
	}
	stsc, err := child(stbl, "stsc")
	if err != nil {
		return err
	}
	runs, err := entries("stsc", stsc, 12)
	if err != nil {
		return err
	}
	t.samples = make([]mp4Sample, 0, len(sizes))
	next := 0 // entry of runs
	perChunk := 0
	for c, at := range offsets {
		for next < runs.n && int64(runs.u32(3*next)) <= int64(c+1) {
			perChunk = int(min(runs.u32(3*next+1), maxSamples))
			next++
		}
		for range perChunk {
			if len(t.samples) == len(sizes) {
				return nil
			}
			size := sizes[len(t.samples)]
			t.samples = append(t.samples, mp4Sample{at, size})
			at += int64(size)
		}
	}
	if len(t.samples) < len(sizes) {
		return fmt.Errorf("stsc: %d samples in chunks, want %d", len(t.samples), len(sizes))
	}
	return nil
}

func sampleSizes(stbl []byte) ([]int, error) {
	b, err := child(stbl, "stsz")
	if err != nil {
		return nil, err
	}
	if len(b) < 12 {
		return nil, errors.New("no stsz")
	}
	size, n := int(binary.BigEndian.Uint32(b[4:])), int64(binary.BigEndian.Uint32(b[8:]))
	if n > maxSamples {
		return nil, fmt.Errorf("stsz: %d samples, at most %d", n, maxSamples)
	}
	if size == 0 && 4*n > int64(len(b)-12) {
		return nil, fmt.Errorf("stsz: %d entries in %d bytes", n, len(b)-12)
	}
	list := make([]int, n)
	for i := range list {
		list[i] = size
		if size == 0 {
			list[i] = int(binary.BigEndian.Uint32(b[12+4*i:]))
		}
	}
	return list, nil
}

func chunkOffsets(stbl []byte) ([]int64, error) {
	name, width := "stco", 4
	b, err := child(stbl, name)
	if err == nil && b == nil {
		name, width = "co64", 8
		b, err = child(stbl, name)
	}
	if err != nil {
		return nil, err
	}
	t, err := entries(name, b, width)
	if err != nil {
		return nil, err
	}
	list := make([]int64, t.n)
	for i := range list {
		if width == 4 {
			list[i] = int64(t.u32(i))
		} else {
			list[i] = int64(binary.BigEndian.Uint64(t.b[8*i:]))
		}
		if list[i] < 0 || list[i] > 1<<62 {
			return nil, fmt.Errorf("%s: chunk at %d", name, list[i])
		}
	}
	return list, nil
}
