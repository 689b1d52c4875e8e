package stitch

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/choirless/render/media"
)

func TestFragments(t *testing.T) {
	for _, c := range cases {
		f, err := NewFragments(thirty, "Title", nil)
		if err != nil {
			t.Fatal(err)
		}
		if f.Init() != nil {
			t.Errorf("%s: an initialisation segment before any picture", c.name)
		}
		var want []byte // coded pictures of the joined stream
		j := &joiner{}
		var file []byte
		for i, s := range segments(t, c.name) {
			var out bytes.Buffer
			stats, err := f.Append(context.Background(), &out, s)
			if err != nil {
				t.Fatal(c.name, err)
			}
			if stats.Frames != fixtureFrames || stats.Bytes != int64(out.Len()) || stats.Height != 120 {
				t.Errorf("%s: %+v, %d bytes", c.name, stats, out.Len())
			}
			if got, want := tree(t, out.Bytes(), ""), strings.Repeat("styp\nmoof\n  mfhd\n  traf\n    tfhd\n    tfdt\n    trun\nmdat\n", 2); got != want {
				t.Errorf("%s: boxes\n%s\nwant\n%s", c.name, got, want)
			}
			file = append(file, out.Bytes()...)
			if err := j.segment(context.Background(), i, s, func(u unit) error { want = append(want, u.data...); return nil }); err != nil {
				t.Fatal(err)
			}
		}
		if !strings.Contains(tree(t, f.Init(), ""), "mvex") {
			t.Errorf("%s: initialisation segment without mvex", c.name)
		}
		if got := fragmentData(t, file, j.format); !bytes.Equal(got, want) {
			t.Errorf("%s: other pictures than the joined stream", c.name)
		}
	}
}

// fragmentData checks the times of all fragments and returns their data as the
// offsets in their tables say.
func fragmentData(t *testing.T, file []byte, sets *sps) (data []byte) {
	const tick = 512
	list, err := split(file)
	if err != nil {
		t.Fatal(err)
	}
	at, picture := 0, uint64(0)
	for _, x := range list {
		if x.name == "moof" {
			tfdt, _ := child(x.body, "traf", "tfdt")
			if got := binary.BigEndian.Uint64(tfdt[4:]); got != picture*tick {
				t.Errorf("fragment at %d ticks, want %d", got, picture*tick)
			}
			trun, _ := child(x.body, "traf", "trun")
			n := binary.BigEndian.Uint32(trun[4:])
			from := at + int(binary.BigEndian.Uint32(trun[8:]))
			shown := map[int64]bool{}
			delay := int64(sets.vui.reorderFrames)
			for i := range int(n) {
				e := trun[16+8*i:]
				size := int(binary.BigEndian.Uint32(e))
				data = append(data, file[from:from+size]...)
				from += size
				shown[(int64(i)-delay)*tick+int64(int32(binary.BigEndian.Uint32(e[4:])))] = true
			}
			for i := range int64(n) {
				if !shown[i*tick] {
					t.Errorf("fragment at picture %d: nothing shown at %d", picture, i)
				}
			}
			picture += uint64(n)
		}
		at += 8 + len(x.body)
	}
	return data
}

func TestFragmentsAfterError(t *testing.T) {
	f, err := NewFragments(thirty, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	segs := segments(t, "cabac-p")
	bad := Segment{Stripes: segs[0].Stripes, Frames: 99}
	_, first := f.Append(context.Background(), &bytes.Buffer{}, bad)
	_, second := f.Append(context.Background(), &bytes.Buffer{}, segs[0])
	if first == nil || !errors.Is(second, first) {
		t.Errorf("errors %v and then %v, want the same", first, second)
	}
	if _, err := NewFragments(media.FrameRate{}, "", nil); err == nil {
		t.Error("no frame rate was taken")
	}
}

// A movie that another writer takes up goes on with the same bytes, and every
// packet of the sound is in one fragment, at its time.
func TestFragmentsResume(t *testing.T) {
	for _, c := range cases {
		for _, sound := range []bool{false, true} {
			start := func() *Fragments {
				var a *Audio
				if sound {
					a = tone(t)
					a.Samples = 18 * 1600 // as long as the pictures
				}
				f, err := NewFragments(thirty, "", a)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(f.Close)
				return f
			}
			f := start()
			var whole []byte
			for i, s := range segments(t, c.name) {
				var one, again bytes.Buffer
				stats, err := f.Append(context.Background(), &one, s)
				if err != nil {
					t.Fatal(c.name, err)
				}
				if (stats.Audio > 0) != sound {
					t.Errorf("%s: %d bytes of sound", c.name, stats.Audio)
				}
				whole = append(whole, one.Bytes()...)
				other := start()
				if err := other.Resume(i*fixtureFrames, 2*i); err != nil {
					t.Fatal(err)
				}
				if _, err := other.Append(context.Background(), &again, s); err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(one.Bytes(), again.Bytes()) || !bytes.Equal(f.Init(), other.Init()) {
					t.Errorf("%s: segment %d is another when taken up there", c.name, i)
				}
			}
			if sound {
				checkSound(t, whole)
			}
		}
	}
}

// checkSound wants every packet of tone in order and in time.
func checkSound(t *testing.T, file []byte) {
	t.Helper()
	list, err := split(file)
	if err != nil {
		t.Fatal(err)
	}
	var got []byte
	at, packets := 0, uint64(0)
	for _, x := range list {
		if x.name == "moof" {
			trafs, err := split(x.body)
			if err != nil {
				t.Fatal(err)
			}
			last := trafs[len(trafs)-1].body
			tfhd, _ := child(last, "tfhd")
			if binary.BigEndian.Uint32(tfhd[4:]) == 2 {
				tfdt, _ := child(last, "tfdt")
				if when := binary.BigEndian.Uint64(tfdt[4:]); when != packets*1024 {
					t.Errorf("sound at %d, want %d", when, packets*1024)
				}
				trun, _ := child(last, "trun")
				from := at + int(binary.BigEndian.Uint32(trun[8:]))
				for _, size := range u32s(trun, 12) {
					got = append(got, file[from:from+int(size)]...)
					from += int(size)
					packets++
				}
			}
		}
		at += 8 + len(x.body)
	}
	a := tone(t)
	end := int64(a.Priming) + 18*1600
	var want []byte
	for p, err := range a.Packets {
		if err != nil {
			t.Fatal(err)
		}
		if end > 0 {
			want = append(want, p.Data...)
		}
		end -= int64(p.Duration)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%d bytes of sound, want %d", len(got), len(want))
	}
}
