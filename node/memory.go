package node

import (
	"bytes"
	"context"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A node takes another assignment only when there is memory for one more like those
// it has measured. What one takes is measured, not computed: codecs, filters and
// drivers allocate as they please. The process's resident memory above what it was
// before any work, divided by the assignments under way, is what one takes at that
// moment; the largest such figure is what the next is expected to take.
//
// What is left is the smaller of the machine's MemAvailable (proc(5)) and what the
// control group may still grow by (memory.max less memory.current, plus the file
// cache that is dropped first; Documentation/admin-guide/cgroup-v2.rst). The kernel
// gives no promise, so a reserve stays free. One assignment is always let in: a
// machine too small for one is for its operator to see.

const (
	// memoryReserve stays free, in bytes.
	memoryReserve = 256 << 20
	// memoryFirst is what an assignment is expected to take before one was measured.
	memoryFirst = 256 << 20
	// gpuFirst is the same for the GPU's own memory: the textures of a 4K canvas
	// with a hundred tiles come to less.
	gpuFirst = 512 << 20
	// memoryLook is how often memory is measured while there is work.
	memoryLook = 250 * time.Millisecond
)

// memoryGate lets assignments in. Safe for concurrent use.
type memoryGate struct {
	// available and resident are bytes of the machine and of this process;
	// gpu is those free on the GPU, where known.
	available, resident func() (int64, error)
	gpu                 func(context.Context) (int64, bool)

	mu       sync.Mutex
	admitted int   // may take an assignment, or have one
	active   int   // have one
	base     int64 // resident before any work
	most     int64 // taken by one
	gpuBase  int64 // free before any work; 0 is not known
	gpuMost  int64
	released chan struct{} // closed and replaced when one leaves
}

func newMemoryGate(gpu func(context.Context) (int64, bool)) *memoryGate {
	return &memoryGate{
		available: memoryAvailable, resident: memoryResident, gpu: gpu,
		most: memoryFirst, gpuMost: gpuFirst, released: make(chan struct{}),
	}
}

// enter waits until there is memory for one more and returns what to call when it is
// done. The error is only of ctx.
func (g *memoryGate) enter(ctx context.Context) (leave func(), err error) {
	for {
		g.mu.Lock()
		g.look(ctx)
		if g.admitted == 0 || g.fits(ctx) {
			g.admitted++
			g.mu.Unlock()
			return sync.OnceFunc(g.leave), nil
		}
		released := g.released
		g.mu.Unlock()
		select {
		case <-released:
		case <-time.After(memoryLook):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

func (g *memoryGate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.admitted--
	close(g.released)
	g.released = make(chan struct{})
}

// work says that one that entered has an assignment, until the function is called.
func (g *memoryGate) work() (end func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.active++
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.active--
	}
}

// fits tells whether there is room for one more, beside those that entered and have
// not taken theirs yet. What cannot be read does not bound.
func (g *memoryGate) fits(ctx context.Context) bool {
	more := int64(1 + g.admitted - g.active)
	if free, err := g.available(); err == nil && free < memoryReserve+more*g.most {
		return false
	}
	if free, known := g.gpu(ctx); known && free < more*g.gpuMost {
		return false
	}
	return true
}

// look measures what the assignments under way take.
func (g *memoryGate) look(ctx context.Context) {
	resident, err := g.resident()
	free, known := g.gpu(ctx)
	switch {
	case err != nil:
	case g.active == 0:
		if g.base == 0 || resident < g.base {
			g.base = resident
		}
	default:
		g.most = max(g.most, (resident-g.base)/int64(g.active))
	}
	switch {
	case !known:
	case g.active == 0:
		g.gpuBase = max(g.gpuBase, free)
	case g.gpuBase > 0:
		g.gpuMost = max(g.gpuMost, (g.gpuBase-free)/int64(g.active))
	}
}

// watch measures until ctx ends.
func (g *memoryGate) watch(ctx context.Context) {
	tick := time.NewTicker(memoryLook)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		g.mu.Lock()
		if g.active > 0 {
			g.look(ctx)
		}
		g.mu.Unlock()
	}
}

// expected is what the next assignment is expected to take, in bytes.
func (g *memoryGate) expected() int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.most
}

// memoryResident is the resident memory of this process (proc(5), statm).
func memoryResident() (int64, error) {
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, err
	}
	pages, err := strconv.ParseInt(string(bytes.Fields(b)[1]), 10, 64)
	return pages * int64(os.Getpagesize()), err
}

// memoryAvailable is what may still be allocated.
func memoryAvailable() (int64, error) {
	b, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0, err
	}
	left := field(b, "MemAvailable:") << 10
	if group, ok := groupLeft("/sys/fs/cgroup", ownGroup()); ok {
		left = min(left, group)
	}
	return left, nil
}

// ownGroup is this process's control group, version 2.
func ownGroup() string {
	b, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(b)) {
		if path, ok := strings.CutPrefix(strings.TrimSpace(line), "0::"); ok {
			return path
		}
	}
	return ""
}

// groupLeft is what a control group and those above it may still grow by; false
// where none has a limit.
func groupLeft(root, group string) (left int64, limited bool) {
	left = math.MaxInt64
	for dir := filepath.Join(root, group); strings.HasPrefix(dir, root); dir = filepath.Dir(dir) {
		read := func(name string) []byte {
			b, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				return nil // a group without that controller
			}
			return bytes.TrimSpace(b)
		}
		limit, err := strconv.ParseInt(string(read("memory.max")), 10, 64)
		if err != nil {
			continue // "max", or no file
		}
		current, err := strconv.ParseInt(string(read("memory.current")), 10, 64)
		if err != nil {
			continue
		}
		limited = true
		left = min(left, limit-current+field(read("memory.stat"), "inactive_file"))
	}
	return left, limited
}

// field is the number after a name at the beginning of a line, 0 when there is none.
func field(text []byte, name string) int64 {
	for line := range bytes.Lines(text) {
		if f := bytes.Fields(line); len(f) >= 2 && string(f[0]) == name {
			n, err := strconv.ParseInt(string(f[1]), 10, 64)
			if err == nil {
				return n
			}
		}
	}
	return 0
}
