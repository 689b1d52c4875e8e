package status

import (
	"testing"
	"time"

	"github.com/choirless/render/plan"
	"github.com/choirless/render/store"
)

// TestRemaining: what is left of a render takes as long as what is done did; what
// came before it does not count, nor what is reused, and of too little nothing is said.
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
	reusing := func(reused, total int, picture, finish float64) *Song {
		s := at(picture, 100, finish)
		s.Stages[3].reused, s.Stages[3].Total = reused, total
		s.Stages[4].reused, s.Stages[4].Total = 1, 1
		return s
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
		{reusing(8, 8, 100, 0), 0},
		{reusing(8, 8, 100, 50), 10 * time.Second},
		{reusing(6, 8, 75, 0), 0},
		{reusing(6, 8, 87.5, 0), 10 * time.Second * 22 / 7},
	} {
		if got := c.song.remaining(10 * time.Second); (got - c.want).Abs() > time.Millisecond {
			t.Errorf("%+v: %v, want %v", c.song.Stages, got, c.want)
		}
	}
}

// Which tasks are reused is the store's to say.
func TestRemainingOfReusedTasks(t *testing.T) {
	s := &Song{}
	done := func(k plan.Kind, tasks, reused int) store.Count {
		return store.Count{Kind: k, State: store.TaskDone, Tasks: tasks, Percent: 100 * float64(tasks), Reused: reused}
	}
	s.stages(store.Song{}, store.Render{Planned: true}, []store.Count{done(plan.KindPicture, 8, 8), done(plan.KindSound, 1, 1)})
	if got := s.remaining(time.Second); got != 0 {
		t.Errorf("%v left going by what was there before", got)
	}
	s.stages(store.Song{}, store.Render{Planned: true}, []store.Count{done(plan.KindPicture, 8, 0), done(plan.KindSound, 1, 1)})
	if got := s.remaining(time.Second); got != time.Second*15/56 {
		t.Errorf("%v left, want %v", got, time.Second*15/56)
	}
}
