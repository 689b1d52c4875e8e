package status

import (
	"testing"
	"time"

	"github.com/choirless/render/store"
)

// TestRemaining: what is left of a render takes as long as what is done did; what
// came before it does not count, and of too little nothing is said.
func TestRemaining(t *testing.T) {
	at := func(picture, sound, finish float64) *Song {
		return &Song{Stages: []StageProgress{
			{Stage: store.StageIngest, Percent: 100},
			{Stage: store.StageAlign, Percent: 100},
			{Stage: store.StagePlan, Percent: 100},
			{Stage: store.StagePicture, Percent: picture},
			{Stage: store.StageSound, Percent: sound},
			{Stage: store.StageFinish, Percent: finish},
		}}
	}
	for _, c := range []struct {
		song *Song
		want time.Duration
	}{
		{at(0, 0, 0), 0},
		{at(5, 0, 0), 0},
		{at(50, 50, 50), 10 * time.Second},
		{at(25, 25, 25), 30 * time.Second},
		{at(100, 100, 0), 10 * time.Second * 15 / 61},
		{at(100, 100, 100), 0},
	} {
		if got := c.song.remaining(10 * time.Second); (got - c.want).Abs() > time.Millisecond {
			t.Errorf("%+v: %v, want %v", c.song.Stages, got, c.want)
		}
	}
}
