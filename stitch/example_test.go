package stitch_test

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/choirless/render/media"
	"github.com/choirless/render/stitch"
)

// Three stripes of two segments become a movie.
func ExampleWriteMP4() {
	open := func(segment, stripe int) stitch.Opener {
		return func() (io.ReadCloser, error) {
			return os.Open(fmt.Sprintf("testdata/cabac-b.r%d.s%d.h264", segment, stripe))
		}
	}
	m := stitch.Movie{Rate: media.FrameRate{Num: 30, Den: 1}, Title: "Old Hundredth"}
	for s := range 2 {
		m.Segments = append(m.Segments, stitch.Segment{
			Stripes: []stitch.Opener{open(s, 0), open(s, 1), open(s, 2)},
			Frames:  9,
		})
	}
	out, err := os.CreateTemp("", "movie-*.mp4")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.Remove(out.Name())
	defer out.Close()
	stats, err := stitch.WriteMP4(context.Background(), out, m)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%dx%d, %d pictures, %v\n", stats.Width, stats.Height, stats.Frames, stats.Duration)
	// Output: 176x120, 18 pictures, 600ms
}
