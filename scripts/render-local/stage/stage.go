// Package stage makes the pictures of render-local: the product's decoders, scene
// and canvas, a few frames ahead of a clock that may jump, with shaders that may
// be exchanged under it.
package stage

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"time"

	"github.com/choirless/render/bucket"
	"github.com/choirless/render/engine"
	"github.com/choirless/render/media"
	"github.com/choirless/render/node"
	"github.com/choirless/render/plan"
	"github.com/choirless/render/shaders"
)

const (
	// Ahead is how many frames are made before they are due, while playing.
	Ahead = 3
	// leap is how many frames forward are decoded rather than sought.
	leap = 50
)

// Frame is a picture of the whole canvas. Its planes are valid until Release.
type Frame struct {
	*media.Frame
	Index int // output frame
	// Look counts what the pictures are made with: shaders, plan. Two frames of one
	// index and different looks are different pictures.
	Look    int
	release func()
}

// Release gives the frame back, once.
func (f *Frame) Release() { f.release() }

// Stats is what has been done since the stage was opened.
type Stats struct {
	Composed int // frames made
	Skipped  int // frames that were due while playing and never made
	// Compose is how long the last frames took each, decoding included.
	Compose time.Duration
	// Work is what the canvas has cost since the shaders or the scene last changed,
	// Drawn the frames it was for.
	Work  engine.Work
	Drawn int
	// Reloaded is how often shaders were exchanged.
	Reloaded int
}

// Stage makes frames. Its methods are safe for concurrent use, while Run runs.
type Stage struct {
	engine  *engine.Engine
	buckets bucket.Buckets

	mu      sync.Mutex
	wake    *sync.Cond
	done    bool
	target  int
	playing bool
	picture *plan.Picture // what to show, when it has changed
	files   *shaders.Files
	queue   []*Frame // by index, made and not taken
	back    bool     // the target has gone back
	err     error    // why the shaders last loaded are not in use
	stats   Stats

	// The rest belongs to Run.
	current *plan.Picture
	scene   engine.Scene
	good    shaders.Files // what canvas draws with
	canvas  *engine.Canvas
	tiles   *node.Tiles
	pos     int // of the frame made last, -1 before
	look    int
	drawn   int // with canvas
}

// New prepares a stage that draws with the files given. The engine stays the
// caller's. The caller must Run the stage, which closes it.
func New(eng *engine.Engine, b bucket.Buckets, p *plan.Picture, files shaders.Files) *Stage {
	s := &Stage{engine: eng, buckets: b, picture: p, good: files, pos: -1}
	s.wake = sync.NewCond(&s.mu)
	return s
}

// Want says which frame is due, and whether the ones after it will be.
func (s *Stage) Want(index int, playing bool) {
	s.change(func() {
		// A clock that hesitates is no reason to seek.
		if index < s.target && (!playing || index < s.target-Ahead) {
			s.back = true
		}
		s.target, s.playing = index, playing
	})
}

// Reload exchanges the shaders. If they do not compile, what there is stays and
// Err says why.
func (s *Stage) Reload(files shaders.Files) { s.change(func() { s.files = &files }) }

// Replace shows another picture of the same canvas, such as with other offsets.
func (s *Stage) Replace(p *plan.Picture) { s.change(func() { s.picture = p }) }

func (s *Stage) change(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
	s.wake.Broadcast()
}

// Take hands out the latest frame that is due at index and has not been taken,
// nil when there is none. The caller must Release it.
func (s *Stage) Take(index int) *Frame {
	s.mu.Lock()
	defer s.mu.Unlock()
	var f *Frame
	for len(s.queue) > 0 && s.queue[0].Index <= index {
		if f != nil {
			f.Release()
		}
		f, s.queue = s.queue[0], s.queue[1:]
	}
	if f != nil {
		s.wake.Broadcast()
	}
	return f
}

// Made returns the last frame made, -1 when it is being sought.
func (s *Stage) Made() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.back {
		return -1
	}
	return s.pos
}

// Err returns why the shaders that were loaded last are not in use, nil when they are.
func (s *Stage) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Stats returns what has been done.
func (s *Stage) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stats
}

// Run makes frames until ctx ends, which is no error.
func (s *Stage) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { s.change(func() { s.done = true }) })
	defer stop()
	defer s.close()
	for {
		w, ok := s.next()
		if !ok {
			return nil
		}
		err := s.work(ctx, w)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// work is what Run does next.
type work struct {
	picture *plan.Picture
	files   *shaders.Files
	index   int // frame to make
	jump    bool
	skipped int
}

// next waits for something to do; false at the end.
func (s *Stage) next() (work, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		if s.done {
			return work{}, false
		}
		w := work{picture: s.picture, files: s.files}
		s.picture, s.files = nil, nil
		if w.picture != nil || w.files != nil {
			w.index = s.target
			return w, true
		}
		switch {
		case s.pos < 0 || s.target > s.pos+leap || s.back || !s.playing && s.pos > s.target:
			s.back, s.pos = false, -1
			return work{index: s.target, jump: true}, true
		case s.target > s.pos:
			w.index = s.pos + 1
			if s.playing || s.target > s.pos+1 {
				w.index = s.target
				if s.playing {
					w.skipped = s.target - s.pos - 1
				}
			}
			return w, true
		case s.playing && s.pos < s.target+Ahead && s.pos+1 < s.current.Segment.Count:
			return work{index: s.pos + 1}, true
		}
		s.wake.Wait()
	}
}

func (s *Stage) work(ctx context.Context, w work) error {
	if w.picture != nil {
		// The decoders may go on where only what is made of their pictures is new.
		going := s.current != nil && s.pos >= 0 && w.files == nil && reflect.DeepEqual(s.current.Tiles, w.picture.Tiles)
		if err := s.open(ctx, w.picture); err != nil {
			return err
		}
		switch {
		case going:
			s.tiles.Again()
			return s.make(ctx, s.pos, false, 0)
		case w.files == nil:
			return s.make(ctx, w.index, true, 0)
		}
	}
	if w.files != nil {
		return s.reload(ctx, *w.files)
	}
	return s.make(ctx, w.index, w.jump, w.skipped)
}

// open takes over a picture. The canvas is made anew when the scene differs.
func (s *Stage) open(ctx context.Context, p *plan.Picture) error {
	scene, err := node.Scene(ctx, s.buckets, p)
	if err != nil {
		return err
	}
	canvas, err := s.engine.NewCanvas(ctx, scene)
	if err != nil {
		return err
	}
	if s.canvas != nil {
		s.canvas.Close()
	}
	s.canvas, s.scene, s.current, s.drawn = canvas, scene, p, 0
	s.look++
	return nil
}

// make draws one frame and queues it. A jump opens the decoders anew.
func (s *Stage) make(ctx context.Context, index int, jump bool, skipped int) error {
	began := time.Now()
	if jump {
		if s.tiles != nil {
			s.tiles.Close()
		}
		from := *s.current
		from.Segment.First = index
		s.tiles = node.OpenTiles(ctx, s.buckets, &from)
	}
	f, release, err := s.canvas.Render(ctx, s.tiles.At(s.current.Rate.Time(index)))
	if err != nil {
		return fmt.Errorf("frame %d: %w", index, err)
	}
	alone := jump || index == s.pos
	work, err := s.canvas.Work(ctx)
	if err != nil {
		release()
		return err
	}
	s.drawn++
	s.publish(&Frame{Frame: f, Index: index, Look: s.look, release: release}, alone, func(st *Stats) {
		st.Work, st.Drawn = work, s.drawn
		st.Composed++
		st.Skipped += skipped
		st.Compose += (time.Since(began) - st.Compose) / 8
	})
	return nil
}

// publish queues a frame, alone when it does not follow the ones that wait.
func (s *Stage) publish(f *Frame, alone bool, count func(*Stats)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if alone {
		for _, old := range s.queue {
			old.Release()
		}
		s.queue = nil
	}
	s.pos = f.Index
	s.queue = append(s.queue, f)
	count(&s.stats)
}

// reload draws the frame made last with other shaders. Only when that has worked
// do they take the place of those in use.
func (s *Stage) reload(ctx context.Context, files shaders.Files) error {
	if s.pos < 0 {
		if err := s.make(ctx, s.target, true, 0); err != nil {
			return err
		}
	}
	f, canvas, err := s.try(ctx, files)
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		if serr := s.engine.SetShaders(ctx, s.good); serr != nil {
			return serr
		}
		s.change(func() { s.err = err })
		return nil
	}
	s.canvas.Close()
	s.canvas, s.good, s.drawn = canvas, files, 1
	s.change(func() { s.err = nil })
	s.publish(f, true, func(st *Stats) { st.Reloaded++ })
	return nil
}

func (s *Stage) try(ctx context.Context, files shaders.Files) (*Frame, *engine.Canvas, error) {
	if err := s.engine.SetShaders(ctx, files); err != nil {
		return nil, nil, err
	}
	canvas, err := s.engine.NewCanvas(ctx, s.scene)
	if err != nil {
		return nil, nil, err
	}
	s.tiles.Again()
	f, release, err := canvas.Render(ctx, s.tiles.At(s.current.Rate.Time(s.pos)))
	if err != nil {
		return nil, nil, errors.Join(err, canvas.Close())
	}
	s.look++
	return &Frame{Frame: f, Index: s.pos, Look: s.look, release: release}, canvas, nil
}

func (s *Stage) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done = true
	for _, f := range s.queue {
		f.Release()
	}
	s.queue = nil
	if s.tiles != nil {
		s.tiles.Close()
	}
	if s.canvas != nil {
		s.canvas.Close()
	}
}
