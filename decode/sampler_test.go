package decode

import (
	"testing"
	"time"

	"github.com/choirless/render/internal/avtest"
	"github.com/choirless/render/media"
)

// The last picture whose time is before t + half is shown: computed here from
// the list of times, for several clocks.
func TestSamplerRule(t *testing.T) {
	at := times(0, 20, 33, 70, 200, 240, 400, 433, 466, 500, 520, 540, 733, 760, 800)
	for _, rate := range []media.FrameRate{{Num: 25, Den: 1}, {Num: 30000, Den: 1001}, {Num: 60, Den: 1}, {Num: 5, Den: 1}} {
		for _, offset := range []time.Duration{0, 7 * ms, -90 * ms, 300 * ms} {
			v, err := OpenVideo(t.Context(), avtest.Movie{Video: "libvpx", Times: at}.Reader(t), VideoOptions{})
			if err != nil {
				t.Fatal(err)
			}
			half := rate.Time(1) / 2
			s := NewSampler(v, half)
			last := -1
			for n := 0; rate.Time(n)+offset < 1200*ms; n++ {
				now := offset + rate.Time(n)
				want := -1
				for i, p := range at {
					if p < now+half {
						want = i
					}
				}
				f, changed, err := s.At(now)
				if err != nil {
					t.Fatal(err)
				}
				got := -1
				if f != nil {
					got = avtest.ReadNumber(f)
				}
				if got != want || changed != (want != last) {
					t.Errorf("%v fps, %v: picture %d (changed %v), want %d (%v)", rate, now, got, changed, want, want != last)
				}
				last = want
			}
			v.Close()
		}
	}
}

func TestSamplerFromTheMiddle(t *testing.T) {
	m := avtest.Movie{Video: "libvpx", Times: avtest.Steady(60, 30)}
	v, err := OpenVideo(t.Context(), m.Reader(t), VideoOptions{From: 1010 * ms})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	f, changed, err := NewSampler(v, 20*ms).At(1010 * ms)
	if err != nil || f == nil {
		t.Fatalf("no picture: %v", err)
	}
	if got := avtest.ReadNumber(f); got != 30 || !changed { // 1000 ms; 1033 is too late
		t.Errorf("picture %d, want 30", got)
	}
}

// Pictures returned stay as they were for as long as Keep says.
func TestSamplerKeeps(t *testing.T) {
	const keep = 5
	v, err := OpenVideo(t.Context(), avtest.Movie{Video: "libvpx", Times: avtest.Steady(60, 30)}.Reader(t), VideoOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	s := NewSampler(v, 20*ms)
	s.Keep(keep)
	type given struct {
		f      *media.Frame
		number int
	}
	var last []given
	for n := range 48 {
		f, changed, err := s.At(time.Duration(n) * 40 * ms)
		if err != nil {
			t.Fatal(err)
		}
		if changed {
			last = append(last, given{f, avtest.ReadNumber(f)})
		}
		last = last[max(0, len(last)-keep-1):]
		for _, g := range last {
			if got := avtest.ReadNumber(g.f); got != g.number {
				t.Fatalf("call %d: picture %d has become %d", n, g.number, got)
			}
		}
	}
}
