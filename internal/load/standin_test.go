package load

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/choirless/render/bucket"
	"github.com/choirless/render/definition"
	"github.com/choirless/render/encode"
	"github.com/choirless/render/internal/cluster"
	"github.com/choirless/render/media"
	"github.com/choirless/render/mix"
	"github.com/choirless/render/plan"
	"github.com/choirless/render/queue"
	"github.com/choirless/render/store"
)

// standIn does assignments as nodes do, but waits where they compute. Its objects
// are real: the coordinator joins and masters them.
type standIn struct {
	load                 *load
	wait                 time.Duration
	assignments, reports queue.Queue

	mu    sync.Mutex
	done  map[definition.Song]map[string]bool // keys of the tasks reported done
	cells map[string][]byte
}

// seconds is the length of every recording.
const seconds = 0.4

// standIns is how many batches of assignments are worked on at once.
const standIns = 8

func (l *load) standIn(wait time.Duration) *standIn {
	l.Helper()
	s := &standIn{
		load: l, wait: wait, assignments: l.queue(cluster.AssignmentsQueue), reports: l.queue(cluster.ReportsQueue),
		done: map[definition.Song]map[string]bool{}, cells: map[string][]byte{},
	}
	ctx, cancel := context.WithCancel(context.Background())
	g := errgroup.Group{}
	for range standIns {
		g.Go(func() error { return s.run(ctx) })
	}
	l.Cleanup(func() {
		cancel()
		if err := g.Wait(); err != nil {
			l.Errorf("stand-in: %v", err)
		}
	})
	return s
}

func (s *standIn) run(ctx context.Context) error {
	for ctx.Err() == nil {
		leases, err := s.assignments.Receive(ctx, queue.MaxBatch, time.Minute)
		if err == nil {
			err = s.batch(ctx, leases)
		}
		if err != nil && ctx.Err() == nil {
			return err
		}
	}
	return nil
}

func (s *standIn) batch(ctx context.Context, leases []queue.Lease) error {
	all := make([]plan.Assignment, len(leases))
	var started, done [][]byte
	for i, l := range leases {
		if err := queue.Decode(l.Body(), &all[i]); err != nil {
			return err
		}
		started = append(started, report(all[i], plan.ReportStarted, nil))
	}
	if err := queue.SendAll(ctx, s.reports, started); err != nil {
		return err
	}
	select {
	case <-time.After(s.wait):
	case <-ctx.Done():
		return nil
	}
	for _, a := range all {
		result, err := s.work(ctx, a)
		if err != nil {
			return err
		}
		done = append(done, report(a, plan.ReportDone, result))
	}
	if err := queue.SendAll(ctx, s.reports, done); err != nil {
		return err
	}
	s.mu.Lock()
	for _, a := range all {
		if s.done[a.Song] == nil {
			s.done[a.Song] = map[string]bool{}
		}
		s.done[a.Song][a.Key] = true
	}
	s.mu.Unlock()
	return queue.AckAll(ctx, leases)
}

func report(a plan.Assignment, state plan.ReportState, result any) []byte {
	text, err := json.Marshal(result)
	if err != nil {
		panic(err) // our own types
	}
	r := plan.Report{Key: a.Key, Kind: a.Kind, Song: a.Song, Run: a.Run, Attempt: a.Attempt, Node: "stand-in", State: state}
	if result != nil {
		r.Percent, r.Result = 100, text
	}
	body, err := json.Marshal(r)
	if err != nil {
		panic(err)
	}
	return body
}

func (s *standIn) work(ctx context.Context, a plan.Assignment) (any, error) {
	put := func(ref plan.Ref, content []byte) error {
		_, err := s.load.Buckets[ref.Bucket].Put(ctx, ref.Key, bytes.NewReader(content), bucket.PutOptions{})
		return err
	}
	switch a.Kind {
	case plan.KindIngest:
		d := time.Duration(seconds * float64(time.Second))
		content := []byte("converted " + a.Ingest.Raw.Key)
		return plan.IngestResult{
			Facts: media.Facts{
				Container: "test", Duration: d,
				Audio: &media.AudioFacts{Codec: "flac", Rate: media.MixRate, Channels: 1, End: d},
				Video: &media.VideoFacts{Codec: "h264", Width: 64, Height: 48, Depth: 8, FPS: 5, Frames: 2, End: d},
			},
			Level: media.Level{LUFS: -20, PeakDB: -3, NoiseDB: -60}, Unusable: "shorter than 2 s",
			SHA256: a.Key, Bytes: int64(len(content)),
		}, put(plan.Ref{Bucket: definition.BucketConverted, Key: definition.ConvertedKey(a.Song, a.Ingest.Part, a.Key)}, content)
	case plan.KindPicture:
		p := a.Picture
		cell, joins, err := s.cell(p.Width, p.Height, p.Encoder, p.Rate, p.Segment.Count, true)
		if err != nil {
			return nil, err
		}
		return plan.CellResult{Frames: p.Segment.Count, Bytes: int64(len(cell)), Stitchable: joins}, put(p.Out, cell)
	case plan.KindStack:
		k := a.Stack
		cell, _, err := s.cell(k.Width, k.Height, k.Encoder, k.Rate, k.Segment.Count, false)
		if err != nil {
			return nil, err
		}
		return plan.CellResult{Frames: k.Segment.Count, Bytes: int64(len(cell)), Stitchable: true}, put(k.Out, cell)
	case plan.KindSound:
		sum, err := sound(a.Sound)
		if err != nil {
			return nil, err
		}
		return plan.SoundResult{Samples: a.Sound.Samples, Channels: 2}, put(a.Sound.Out, sum)
	}
	return nil, fmt.Errorf("assignment of kind %q", a.Kind)
}

// cell encodes grey pictures, each shape once.
func (s *standIn) cell(w, h int, e plan.Encoder, rate media.FrameRate, frames int, stripe bool) (cell []byte, joins bool, err error) {
	joins = h == e.CanvasHeight || encode.StripeMVAvailable()
	key := fmt.Sprint(w, h, e, rate, frames, stripe)
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.cells[key]; c != nil {
		return c, joins, nil
	}
	var b bytes.Buffer
	enc, err := encode.NewCell(&b, encode.CellOptions{
		Width: w, Height: h, Rate: rate, Preset: e.Preset, CRF: e.CRF, GOP: e.GOP, CanvasHeight: e.CanvasHeight, StripeMV: stripe,
	})
	if err != nil {
		return nil, false, err
	}
	f := media.NewFrame(w, h)
	for i := range f.Planes {
		for j := range f.Planes[i].Data {
			f.Planes[i].Data[j] = 128
		}
	}
	for range frames {
		if err := enc.Write(f); err != nil {
			return nil, false, errors.Join(err, enc.Close())
		}
	}
	if err := enc.Close(); err != nil {
		return nil, false, err
	}
	s.cells[key] = b.Bytes()
	return b.Bytes(), joins, nil
}

// sound is a faint square wave as long as asked for.
func sound(s *plan.Sound) ([]byte, error) {
	var b bytes.Buffer
	w, err := mix.NewWAVWriter(&b, media.MixRate, 2, s.Samples)
	if err != nil {
		return nil, err
	}
	side := make([]float32, s.Samples)
	for i := range side {
		side[i] = 0.02 * float32(i/60%2*2-1)
	}
	err = errors.Join(w.Write([][]float32{side, side}), w.Close())
	return b.Bytes(), err
}

// check compares what was reported with what the database holds: a step for every
// task that began and for every one that ended.
func (s *standIn) check(l *load) {
	l.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, keys := range s.done {
		events, err := l.store.Events(l.Context(), id, 0, 10_000)
		if err != nil {
			l.Fatal(err)
		}
		began, ended := 0, 0
		for _, e := range events {
			switch e.Stage {
			case store.StageIngest, store.StagePicture, store.StageSound, store.StageStack:
				if e.State == store.TaskRunning {
					began++
				} else if e.State == store.TaskDone && e.Attempt > 0 {
					ended++
				}
			}
		}
		if began != len(keys) || ended != len(keys) {
			l.Errorf("song %s: %d tasks done, the database holds %d beginnings and %d ends", id.Song, len(keys), began, ended)
		}
	}
}
