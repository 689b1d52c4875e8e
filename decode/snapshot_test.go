package decode

import (
	"testing"

	"github.com/choirless/render/internal/avtest"
	"github.com/choirless/render/media"
)

// The best picture is neither black, nor burnt out, nor blurred.
func TestSurvey(t *testing.T) {
	draw := func(f *media.Frame, n int) {
		avtest.Number(f, n)
		for y := range f.Planes[0].Height {
			row := f.Planes[0].Data[y*f.Planes[0].Stride:][:f.Planes[0].Width]
			for x := range row {
				switch {
				case n < 30: // the camera warms up
					row[x] = 16
				case n < 50: // burnt out
					row[x] = 235
				case n < 70: // sharp
					row[x] = byte(60 + (x/4+y/4)%2*120)
				default: // blurred
					row[x] = byte(60 + x)
				}
			}
		}
	}
	m := avtest.Movie{Video: "libx264", Times: avtest.Steady(100, 30), Picture: draw}
	facts, f, err := Survey(t.Context(), m.Reader(t), 5)
	if err != nil {
		t.Fatal(err)
	}
	if facts.Video == nil || facts.Video.Frames != 100 {
		t.Errorf("facts %+v, want 100 pictures", facts.Video)
	}
	if n := int(f.Time.Seconds()*30 + 0.5); n < 50 || n >= 70 {
		t.Errorf("picture %d was chosen, want one of 50 to 69", n)
	}
	facts, f, err = Survey(t.Context(), avtest.Movie{Audio: "flac", Samples: 4800}.Reader(t), 5)
	if err != nil || f != nil || facts.Video != nil || facts.Audio == nil {
		t.Errorf("of sound alone: picture %v, facts %+v, error %v", f, facts, err)
	}
	one := avtest.Movie{Video: "libvpx", Times: times(0)}
	if _, f, err := Survey(t.Context(), one.Reader(t), 5); err != nil || avtest.ReadNumber(f) != 0 {
		t.Errorf("of one picture: %v", err)
	}
}
