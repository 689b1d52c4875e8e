package stitch

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"testing/iotest"
)

func joined(t testing.TB, segs []Segment, o JoinOptions) []byte {
	t.Helper()
	var out bytes.Buffer
	if _, err := Join(context.Background(), &out, segs, o); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// The joined stream is byte for byte the one whose decoded pictures were
// compared with the stacked stripes when the fixtures were made.
func TestJoin(t *testing.T) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var out bytes.Buffer
			stats, err := Join(context.Background(), &out, segments(t, c.name), JoinOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if got, want := fmt.Sprintf("%x", sha256.Sum256(out.Bytes())), joinedSum(t, c.name); got != want {
				t.Errorf("SHA-256 %s, want %s", got, want)
			}
			if stats.Frames != fixtureSegments*fixtureFrames || stats.Bytes != int64(out.Len()) || stats.Width != 176 || stats.Height != 120 {
				t.Errorf("stats %+v, %d bytes written", stats, out.Len())
			}
		})
	}
}

// headers parses all slices of a joined stream.
func headers(t testing.TB, stream []byte) []sliceHeader {
	t.Helper()
	s := newStripe(bytes.NewReader(stream))
	var list []sliceHeader
	for {
		err := s.begin()
		if errors.Is(err, io.EOF) {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		for more := true; more; {
			list = append(list, s.slice)
			if more, err = s.more(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// What a decoder needs to see: every picture has one slice per stripe, each
// beginning where the one above ends, deblocking never crosses slices, and IDR
// pictures in a row differ in idr_pic_id also where segments meet.
func TestJoinedHeaders(t *testing.T) {
	for _, c := range cases {
		idrs := []uint32{}
		for i, h := range headers(t, joined(t, segments(t, c.name), JoinOptions{})) {
			if want := []uint32{0, 3 * 11, 5 * 11}[i%fixtureStripes]; h.firstMB != want {
				t.Errorf("%s: slice %d begins at macroblock %d, want %d", c.name, i, h.firstMB, want)
			}
			if want := map[bool]uint32{true: 2, false: 1}[c.deblocks]; h.deblocking != want {
				t.Errorf("%s: slice %d: disable_deblocking_filter_idc %d, want %d", c.name, i, h.deblocking, want)
			}
			if h.idr() && i%fixtureStripes == 0 {
				idrs = append(idrs, h.idrPicID)
			}
		}
		if want := []uint32{0, 1, 0, 1}; !slices.Equal(idrs, want) { // two GOPs a segment
			t.Errorf("%s: idr_pic_id %v, want %v", c.name, idrs, want)
		}
	}
}

// A single stripe is copied: the same slices, bit for bit, where the encoder's
// idr_pic_id already alternates.
func TestJoinOneStripe(t *testing.T) {
	for _, c := range cases {
		whole := load(t, c.name+".full.h264")
		got := joined(t, []Segment{{Stripes: []Opener{inMemory(whole)}}}, JoinOptions{})
		slicesOf := func(b []byte) (list [][]byte) {
			for _, n := range unitsOf(t, b) {
				if k := nalType(n); k == nalSlice || k == nalIDRSlice {
					list = append(list, n)
				}
			}
			return list
		}
		equalNALs(t, slicesOf(got), slicesOf(whole))
	}
}

// A segment of stripes and one of whole pictures (the fallback) are one stream.
func TestJoinSplice(t *testing.T) {
	for _, c := range cases {
		whole := inMemory(load(t, c.name+".full.h264"))
		segs := []Segment{segments(t, c.name)[0], {Stripes: []Opener{whole}, Frames: fixtureFrames}}
		var idrs []uint32
		all := headers(t, joined(t, segs, JoinOptions{}))
		for _, h := range all {
			if h.idr() && h.firstMB == 0 {
				idrs = append(idrs, h.idrPicID)
			}
		}
		if len(all) != fixtureFrames*(fixtureStripes+1) || !slices.Equal(idrs, []uint32{0, 1, 0, 1}) {
			t.Errorf("%s: %d slices, idr_pic_id %v", c.name, len(all), idrs)
		}
	}
}

func TestJoinReadsAnyWay(t *testing.T) {
	whole := joined(t, segments(t, "cabac-b"), JoinOptions{})
	slow := segments(t, "cabac-b")
	for _, s := range slow {
		for i, open := range s.Stripes {
			s.Stripes[i] = func() (io.ReadCloser, error) {
				r, err := open()
				return io.NopCloser(iotest.OneByteReader(r)), err
			}
		}
	}
	if !bytes.Equal(joined(t, slow, JoinOptions{}), whole) {
		t.Error("read byte by byte the result is another")
	}
}

// Every reader is closed, whatever happens.
func TestJoinCloses(t *testing.T) {
	good := load(t, "cabac-p.r0.s0.h264")
	for _, c := range []struct {
		name  string
		lower []byte
	}{
		{"good", load(t, "cabac-p.r0.s1.h264")},
		{"refused", load(t, "cavlc-p.r0.s1.h264")},
		{"cut short", load(t, "cabac-p.r0.s1.h264")[:2000]},
	} {
		a, b := &memory{b: good}, &memory{b: c.lower}
		_, err := Join(context.Background(), io.Discard, []Segment{{Stripes: []Opener{a.opener(), b.opener()}}}, JoinOptions{})
		if (err == nil) != (c.name == "good") {
			t.Errorf("%s: error %v", c.name, err)
		}
		if a.open != 0 || b.open != 0 {
			t.Errorf("%s: %d and %d readers left open", c.name, a.open, b.open)
		}
	}
	a := &memory{b: good}
	gone := errors.New("no such object")
	_, err := Join(context.Background(), io.Discard, []Segment{{Stripes: []Opener{a.opener(), func() (io.ReadCloser, error) { return nil, gone }}}}, JoinOptions{})
	if !errors.Is(err, gone) || a.open != 0 {
		t.Errorf("error %v, %d readers left open", err, a.open)
	}
}

// An error of reading is not a refusal: trying again may help.
func TestJoinReadError(t *testing.T) {
	lost := errors.New("connection lost")
	b := load(t, "cabac-p.r0.s0.h264")
	broken := func() (io.ReadCloser, error) {
		return io.NopCloser(io.MultiReader(bytes.NewReader(b[:1000]), iotest.ErrReader(lost))), nil
	}
	_, err := Join(context.Background(), io.Discard, []Segment{{Stripes: []Opener{broken}}}, JoinOptions{})
	var refusal *RefusalError
	if !errors.Is(err, lost) || errors.As(err, &refusal) {
		t.Errorf("error %v, want the reader's and no refusal", err)
	}
}

func TestJoinCancelled(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	why := errors.New("the run was cancelled")
	cancel(why)
	if _, err := Join(ctx, io.Discard, segments(t, "cabac-p"), JoinOptions{}); !errors.Is(err, why) {
		t.Errorf("error %v, want %v", err, why)
	}
}

// Poison puts the stripe between noise, also the last one of a picture, whose
// hidden rows stay in.
func TestPoison(t *testing.T) {
	noise := inMemory(load(t, "noise.h264"))
	for i, rows := range []int{48, 32, 48} {
		stripe := inMemory(load(t, fmt.Sprintf("cabac-p.r0.s%d.h264", i)))
		var out bytes.Buffer
		row, err := Poison(context.Background(), &out, noise, stripe)
		if err != nil {
			t.Fatal(err)
		}
		info, err := Inspect(&out)
		if err != nil {
			t.Fatal(err)
		}
		if row != 32 || info.Height != 32+rows+32 {
			t.Errorf("stripe %d at row %d of %d, want 32 of %d", i, row, info.Height, 64+rows)
		}
	}
	short := inMemory(load(t, "cabac-p.r0.s2.h264")) // 40 rows
	if _, err := Poison(context.Background(), io.Discard, short, noise); err == nil {
		t.Error("noise of 40 rows was taken")
	}
}

func TestInspect(t *testing.T) {
	info, err := Inspect(bytes.NewReader(load(t, "cabac-b.r0.s2.h264")))
	if err != nil {
		t.Fatal(err)
	}
	if info.Width != 176 || info.Height != 40 || info.Rate.FPS() != 30 || !info.StripeMV || !info.CABAC || info.Profile != 100 || info.Level != 40 || info.Encoder == "" {
		t.Errorf("%+v", info)
	}
	if info, err = Inspect(bytes.NewReader(load(t, "stock.h264"))); err != nil || info.StripeMV {
		t.Errorf("stock encoder: %+v, %v", info, err)
	}
	if _, err := Inspect(bytes.NewReader(nil)); err == nil {
		t.Error("an empty stripe was taken")
	}
}

func FuzzJoin(f *testing.F) {
	for _, c := range cases {
		f.Add(load(f, c.name+".r0.s0.h264"), load(f, c.name+".r0.s1.h264"))
	}
	f.Add(load(f, "slices.h264"), load(f, "stock.h264"))
	f.Fuzz(func(t *testing.T, top, bottom []byte) {
		segs := []Segment{{Stripes: []Opener{inMemory(top), inMemory(bottom)}}}
		var out bytes.Buffer
		stats, err := Join(context.Background(), &out, segs, JoinOptions{AnyMotion: true})
		if err != nil {
			return
		}
		if stats.Frames == 0 {
			t.Error("no pictures and no error")
		}
		again := []Segment{{Stripes: []Opener{inMemory(out.Bytes())}, Frames: stats.Frames}}
		if _, err := Join(context.Background(), io.Discard, again, JoinOptions{}); err != nil {
			t.Errorf("the joined stream is refused: %v", err)
		}
	})
}
