package node

import (
	"sync"
	"syscall"
	"time"
)

// cpuShare tells what each assignment cost. Codec threads and goroutines come
// and go, so no single clock belongs to one assignment; instead the process's
// CPU time between any two beginnings or ends is shared equally among the
// assignments that were being worked on. The shares add up to the whole.
type cpuShare struct {
	mu     sync.Mutex
	last   time.Duration
	active map[*cpuMeter]struct{}
}

// cpuMeter is the account of one assignment.
type cpuMeter struct {
	share *cpuShare
	spent time.Duration
}

// begin opens an account. Safe for concurrent use.
func (s *cpuShare) begin() *cpuMeter {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle()
	if s.active == nil {
		s.active = map[*cpuMeter]struct{}{}
	}
	m := &cpuMeter{share: s}
	s.active[m] = struct{}{}
	return m
}

// end closes the account and returns its seconds.
func (m *cpuMeter) end() float64 {
	m.share.mu.Lock()
	defer m.share.mu.Unlock()
	m.share.settle()
	delete(m.share.active, m)
	return m.spent.Seconds()
}

// settle shares what was spent since the last call.
func (s *cpuShare) settle() {
	now := processCPU()
	if n := time.Duration(len(s.active)); n > 0 {
		for m := range s.active {
			m.spent += (now - s.last) / n
		}
	}
	s.last = now
}

// processCPU is the CPU time of this process, user and system.
func processCPU() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
