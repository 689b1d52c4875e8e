package node

import (
	"bytes"
	"math"
	"testing"
	"time"

	"github.com/choirless/render/bucket"
	"github.com/choirless/render/internal/av"
	"github.com/choirless/render/internal/avtest"
	"github.com/choirless/render/media"
	"github.com/choirless/render/plan"
)

// TestOpacityAt: a part comes from its placeholder where it begins late, goes
// back to it where it ends early or stands still, and fades only there.
func TestOpacityAt(t *testing.T) {
	const s = time.Second
	for _, c := range []struct {
		name      string
		tile      plan.PictureTile
		pt, since time.Duration
		want      float64
	}{
		{"in the middle", plan.PictureTile{End: 20 * s, Fade: s, FreezeAfter: 3 * s}, 10 * s, 10 * s, 1},
		{"no fade in at song time zero", plan.PictureTile{Fade: s}, 0, 0, 1},
		{"late start", plan.PictureTile{Start: 5 * s, Fade: s}, 5*s + s/2, 5 * s, 0.5},
		{"head trimmed", plan.PictureTile{Start: s / 10, Offset: media.Offset(2 * s), Fade: s}, 2 * s, 2 * s, 1},
		{"early end, a moment after", plan.PictureTile{End: 20 * s, Fade: s}, 20*s + s/4, 20 * s, 0.75},
		{"early end, long after", plan.PictureTile{End: 20 * s, Fade: s}, 40 * s, 20 * s, 0},
		{"an end that holds", plan.PictureTile{Fade: s, FreezeAfter: 3 * s}, 22 * s, 20 * s, 1},
		{"standing still", plan.PictureTile{End: 60 * s, Fade: s, FreezeAfter: 3 * s}, 13*s + s/2, 10 * s, 0.5},
		{"and moving again", plan.PictureTile{End: 60 * s, Fade: s, FreezeAfter: 3 * s}, 30 * s, 30 * s, 1},
		{"slides", plan.PictureTile{End: 60 * s, Fade: s}, 30 * s, 10 * s, 1},
		{"without a fade", plan.PictureTile{End: 20 * s, FreezeAfter: 3 * s}, 20*s + 1, 20 * s, 0},
	} {
		src := &tileSource{tile: c.tile}
		if got := src.opacityAt(c.pt, c.since); got != c.want {
			t.Errorf("%s: %g, want %g", c.name, got, c.want)
		}
	}
}

// TestDriftMovesThePictures: a part whose clock runs fast is read faster by as
// much, from its offset on, whether a cell begins at song time zero or later.
func TestDriftMovesThePictures(t *testing.T) {
	const (
		fps    = 25
		ppm    = 40_000 // so much that half a picture shows within a second
		offset = 200 * time.Millisecond
	)
	movie := avtest.Movie{Container: "matroska", Video: "libx264", Times: avtest.Steady(150, fps)}
	b := newBench(t)
	if _, err := b.objects.Put(t.Context(), "film.mkv", bytes.NewReader(movie.Bytes(t)), bucket.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, first := range []int{0, 50} {
		p := &plan.Picture{
			Segment: plan.Segment{First: first, Count: 50}, Width: 160, Height: 96, Rate: testRate,
			Tiles: []plan.PictureTile{{
				Part: "p", Source: plan.Ref{Bucket: "b", Key: "film.mkv"}, W: 160, H: 96,
				Offset: media.Offset(offset), DriftPPM: ppm, End: time.Hour,
			}},
		}
		tiles := OpenTiles(t.Context(), b.node.cfg.Buckets, p)
		defer tiles.Close()
		shown := -1
		for i := first; i < first+p.Segment.Count; i++ {
			s := p.Rate.Time(i)
			for _, u := range tiles.At(s) {
				if u.Frame != nil {
					shown = avtest.ReadNumber(u.Frame)
				}
			}
			partTime := offset.Seconds() + s.Seconds()*(1+ppm*1e-6)
			if diff := float64(shown) - partTime*fps; diff < -0.51 || diff > 0.51 {
				t.Fatalf("song time %v: picture %d, want the one nearest to %.2f", s, shown, partTime*fps)
			}
		}
	}
}

// TestShowsIsTheSamplersRule: what shows calls unseen, no output frame shows.
func TestShowsIsTheSamplersRule(t *testing.T) {
	for _, rate := range []media.FrameRate{{Num: 25, Den: 1}, {Num: 30000, Den: 1001}} {
		for _, drift := range []float64{0, 300, -40_000} {
			src := &tileSource{tile: plan.PictureTile{Offset: media.Offset(-123_456_789), DriftPPM: drift}}
			seen := 0
			for i := range 2000 {
				from := time.Duration(i) * 4 * time.Millisecond
				to := from + 4*time.Millisecond
				want := false
				for n := range 300 {
					at := src.partTime(rate.Time(n)) + rate.Time(1)/2
					want = want || from < at && at <= to
				}
				if got := src.shows(rate, from, to); got != want {
					t.Fatalf("%v fps, %g ppm: [%v, %v) shown: %v, want %v", rate, drift, from, to, got, want)
				}
				if want {
					seen++
				}
			}
			if seen < 180 || seen > 260 {
				t.Errorf("%v fps, %g ppm: %d of 2000 shown, want about 200", rate, drift, seen)
			}
		}
	}
}

// TestSkippedPicturesAreNotMissed: of a recording with 60 pictures a second, many of
// which nothing else needs, each output frame shows the one it would have shown.
func TestSkippedPicturesAreNotMissed(t *testing.T) {
	const fps = 60
	movie := avtest.Movie{Container: "mp4", Video: "libx264", Times: avtest.Steady(200, fps), VideoOptions: []av.Option{
		{Key: "preset", Value: "veryfast"}, {Key: "x264-params", Value: "bframes=3:b-adapt=0:b-pyramid=none"},
	}}
	b := newBench(t)
	if _, err := b.objects.Put(t.Context(), "film.mp4", bytes.NewReader(movie.Bytes(t)), bucket.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	p := &plan.Picture{
		Segment: plan.Segment{First: 5, Count: 60}, Width: 160, Height: 96, Rate: testRate,
		Tiles: []plan.PictureTile{{Part: "p", Source: plan.Ref{Bucket: "b", Key: "film.mp4"}, W: 160, H: 96, End: time.Hour}},
	}
	tiles := OpenTiles(t.Context(), b.node.cfg.Buckets, p)
	defer tiles.Close()
	for i := p.Segment.First; i < p.Segment.First+p.Segment.Count; i++ {
		for _, u := range tiles.At(p.Rate.Time(i)) {
			// The last whose time is before that of the frame and half a frame.
			want := int(math.Ceil((p.Rate.Time(i).Seconds()+p.Rate.Time(1).Seconds()/2)*fps-1e-6)) - 1
			if got := avtest.ReadNumber(u.Frame); got != want {
				t.Errorf("frame %d: picture %d, want %d", i, got, want)
			}
		}
	}
}

// TestRotationIsThePlans: a person turns a picture that was recorded the wrong way
// up, whatever the file says of it.
func TestRotationIsThePlans(t *testing.T) {
	movie := avtest.Movie{Container: "matroska", Video: "libx264", Times: avtest.Steady(3, 25), Tags: []av.Option{{Key: "ROTATE", Value: "180"}}}
	b := newBench(t)
	if _, err := b.objects.Put(t.Context(), "film.mkv", bytes.NewReader(movie.Bytes(t)), bucket.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []media.Rotation{0, 90, 180} {
		tiles := OpenTiles(t.Context(), b.node.cfg.Buckets, &plan.Picture{
			Segment: plan.Segment{Count: 3}, Width: 160, Height: 96, Rate: testRate,
			Tiles: []plan.PictureTile{{Part: "p", Source: plan.Ref{Bucket: "b", Key: "film.mkv"}, W: 160, H: 96, Rotation: want, End: time.Hour}},
		})
		defer tiles.Close()
		for i := range 3 {
			for _, u := range tiles.At(testRate.Time(i)) {
				if u.Frame == nil || u.Frame.Rotation != want {
					t.Errorf("picture %d: %+v, want it turned by %d", i, u.Frame, want)
				}
			}
		}
	}
}
