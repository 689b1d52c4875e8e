package av

import (
	"runtime"
	"sync/atomic"
)

// OnLeak, when set before anything is opened, is called for everything that is
// collected without having been closed. Only tests set it.
var OnLeak func(what string)

var live atomic.Int64

// Live returns how many things are open in this process.
func Live() int64 { return live.Load() }

// guard counts one open thing and reports it when it is lost.
type guard struct{ state *guardState }

type guardState struct {
	what   string
	closed atomic.Bool
}

func newGuard[T any](owner *T, what string) guard {
	live.Add(1)
	g := guard{&guardState{what: what}}
	if OnLeak != nil {
		runtime.AddCleanup(owner, func(s *guardState) {
			if !s.closed.Load() {
				OnLeak(s.what)
			}
		}, g.state)
	}
	return g
}

// close reports whether this is the first call.
func (g guard) close() bool {
	if g.state == nil || g.state.closed.Swap(true) {
		return false
	}
	live.Add(-1)
	return true
}
