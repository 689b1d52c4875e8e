package gl

import (
	"time"

	"github.com/go-gl/gl/v4.3-core/gl"
)

// Stopwatch measures how long the driver takes for passes, by timer queries. A nil
// Stopwatch measures nothing. Not safe for concurrent use; GL thread.
type Stopwatch struct {
	free []uint32
	runs []timed
}

type timed struct {
	pass  string
	query uint32
	began time.Time
}

// maxTimed bounds what is measured and not read.
const maxTimed = 1024

// Time runs f and measures the commands it issues under a name. It may not be
// nested. GL thread.
func (s *Stopwatch) Time(pass string, f func()) {
	if s == nil || len(s.runs) >= maxTimed {
		f()
		return
	}
	if len(s.free) == 0 {
		s.free = make([]uint32, 16)
		gl.GenQueries(int32(len(s.free)), &s.free[0])
	}
	n := len(s.free) - 1
	q := s.free[n]
	s.free = s.free[:n]
	began := time.Now()
	gl.BeginQuery(gl.TIME_ELAPSED, q)
	f()
	gl.EndQuery(gl.TIME_ELAPSED)
	s.runs = append(s.runs, timed{pass, q, began})
}

// Read adds what was measured since the last Read to spent, by pass. It waits for
// the commands. GL thread.
func (s *Stopwatch) Read(spent map[string]time.Duration) {
	if s == nil {
		return
	}
	for _, r := range s.runs {
		var ns uint64
		gl.GetQueryObjectui64v(r.query, gl.QUERY_RESULT, &ns)
		// llvmpipe (Mesa 22.3) now and then gives the time of the end for the time
		// between begin and end: more than there was. That measurement is lost.
		if d := time.Duration(ns); d <= time.Since(r.began) {
			spent[r.pass] += d
		}
		s.free = append(s.free, r.query)
	}
	s.runs = s.runs[:0]
}

// Release deletes the queries. GL thread.
func (s *Stopwatch) Release() {
	if s == nil {
		return
	}
	for _, r := range s.runs {
		s.free = append(s.free, r.query)
	}
	if len(s.free) > 0 {
		gl.DeleteQueries(int32(len(s.free)), &s.free[0])
	}
	s.free, s.runs = nil, nil
}
