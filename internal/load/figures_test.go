package load

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/choirless/render/coordinator/status"
	"github.com/choirless/render/definition"
	"github.com/choirless/render/store"
)

// figures is what is measured while the songs are made.
type figures struct {
	load    *load
	pid     int
	cancel  context.CancelFunc
	workers sync.WaitGroup
	elapsed time.Duration

	mu      sync.Mutex
	seq     int64                         // of the newest event seen
	events  int                           // seen
	first   time.Time                     // the first of them
	final   map[definition.Song]time.Time // when the database says that a song was done
	seen    map[definition.Song]time.Time // when one who watches it was told
	asked   []time.Duration               // how long the answers of the status took
	memory  []int64                       // bytes, one a second
	cpu     time.Duration
	trouble []string
}

// watchers is how many songs have somebody who watches their status.
const watchers = 50

func (l *load) measure(pid int) *figures {
	l.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	f := &figures{
		load: l, pid: pid, cancel: cancel,
		final: map[definition.Song]time.Time{}, seen: map[definition.Song]time.Time{},
	}
	l.Cleanup(cancel)
	f.workers.Go(func() { f.every(ctx, 200*time.Millisecond, f.read) })
	f.workers.Go(func() { f.every(ctx, time.Second, f.sample) })
	f.workers.Go(func() { f.every(ctx, 50*time.Millisecond, f.ask) })
	for i := range min(watchers, l.songs) {
		f.workers.Go(func() { f.watch(ctx, l.song(i*l.songs/min(watchers, l.songs))) })
	}
	return f
}

func (f *figures) every(ctx context.Context, d time.Duration, do func(context.Context) error) {
	tick := time.NewTicker(d)
	defer tick.Stop()
	for ctx.Err() == nil {
		if err := do(ctx); err != nil && ctx.Err() == nil {
			f.mu.Lock()
			f.trouble = append(f.trouble, err.Error())
			f.mu.Unlock()
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

// read follows the steps in the database.
func (f *figures) read(ctx context.Context) error {
	for {
		events, err := f.load.store.Events(ctx, definition.Song{}, f.last(), 5000)
		if err != nil {
			return err
		}
		f.mu.Lock()
		for _, e := range events {
			f.seq = e.Seq
			f.events++
			if f.first.IsZero() {
				f.first = e.At
			}
			if e.Stage == store.StageFinish && e.State == store.TaskDone {
				f.final[e.Song] = e.At
			}
		}
		f.mu.Unlock()
		if len(events) < 5000 {
			return nil
		}
	}
}

func (f *figures) last() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.seq
}

func (f *figures) finals() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.final)
}

// sample notes memory and CPU time of the coordinator.
func (f *figures) sample(context.Context) error {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", f.pid))
	if err != nil {
		return err
	}
	// proc(5): after the name in brackets, fields 14 and 15 are CPU time in ticks of
	// 10 ms, 24 is the resident memory in pages.
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	var user, system, pages int64
	if _, err := fmt.Sscan(fields[11]+" "+fields[12]+" "+fields[21], &user, &system, &pages); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.cpu = time.Duration(user+system) * 10 * time.Millisecond
	f.memory = append(f.memory, pages*int64(os.Getpagesize()))
	return nil
}

// ask asks where a song is.
func (f *figures) ask(ctx context.Context) error {
	id := f.load.song(rand.IntN(f.load.songs))
	began := time.Now()
	_, err := f.load.get(ctx, http.DefaultClient, fmt.Sprintf("/api/songs/%s/%s", id.Choir, id.Song))
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, time.Since(began))
	return nil
}

// watch follows a song's status stream to its end, and connects again when it breaks.
func (f *figures) watch(ctx context.Context, id definition.Song) {
	for ctx.Err() == nil {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet,
			fmt.Sprintf("%s/api/songs/%s/%s/events", f.load.URL("coordinator-1"), id.Choir, id.Song), nil)
		if err != nil {
			return
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			time.Sleep(100 * time.Millisecond)
			continue
		}
		lines := bufio.NewScanner(resp.Body)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			var s status.Song
			if text, ok := strings.CutPrefix(lines.Text(), "data: "); !ok || json.Unmarshal([]byte(text), &s) != nil {
				continue
			}
			if s.State == store.TaskDone {
				f.mu.Lock()
				f.seen[id] = time.Now()
				f.mu.Unlock()
				resp.Body.Close()
				return
			}
		}
		resp.Body.Close()
	}
}

func (f *figures) stop(elapsed time.Duration) {
	time.Sleep(time.Second) // for who watches the last one
	f.cancel()
	f.workers.Wait()
	f.elapsed = elapsed
}

// judge prints the figures and holds them to what was promised.
func (f *figures) judge(t *testing.T, l *load) {
	t.Helper()
	lastAt := f.first
	for _, at := range f.final {
		if at.After(lastAt) {
			lastAt = at
		}
	}
	took := lastAt.Sub(f.first)
	rate := float64(f.events) / took.Seconds()
	var told []time.Duration
	for id, at := range f.seen {
		told = append(told, at.Sub(f.final[id]))
	}
	quarter := len(f.memory) / 4
	early, late := middle(f.memory[quarter:2*quarter+1]), middle(f.memory[len(f.memory)-quarter-1:])
	t.Logf("%d songs of %d parts: %d state transitions in %.1f s, %.0f a second", l.songs, l.parts, f.events, took.Seconds(), rate)
	t.Logf("coordinator: %.1f s CPU, %.2f ms a transition; memory %d MB in the second quarter, %d MB in the last, at most %d MB",
		f.cpu.Seconds(), f.cpu.Seconds()*1000/float64(f.events), early>>20, late>>20, slices.Max(f.memory)>>20)
	t.Logf("status: asked %d times, median %v, 99 %% within %v; of %d who watched a song half were told of its final within %v, 99 %% within %v",
		len(f.asked), quantile(f.asked, 0.5), quantile(f.asked, 0.99), len(told), quantile(told, 0.5), quantile(told, 0.99))
	if len(f.trouble) > 0 {
		t.Errorf("%d requests failed, the first: %s", len(f.trouble), f.trouble[0])
	}
	if rate < 300 {
		t.Errorf("%.0f state transitions a second, want 300 or more", rate)
	}
	if late > early+early/5 {
		t.Errorf("memory grew from %d to %d MB", early>>20, late>>20)
	}
	if p := quantile(f.asked, 0.99); p >= time.Second {
		t.Errorf("99 %% of the answers within %v, want less than 1 s", p)
	}
	if p := quantile(told, 0.99); p >= time.Second {
		t.Errorf("99 %% were told within %v, want less than 1 s", p)
	}
}

func middle(v []int64) int64 {
	v = slices.Sorted(slices.Values(v))
	return v[len(v)/2]
}

func quantile(v []time.Duration, q float64) time.Duration {
	if len(v) == 0 {
		return 0
	}
	v = slices.Sorted(slices.Values(v))
	return v[min(len(v)-1, int(q*float64(len(v))))].Round(time.Millisecond / 10)
}
