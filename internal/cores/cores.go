// Package cores says how many cores there are to work with.
//
// It is not runtime.GOMAXPROCS once Lend has been called. A goroutine in C keeps
// its P, the runtime's leave to run Go code, until the runtime's monitor has seen
// it there for a while and takes it away. A render is C for nine tenths: with as
// many Ps as cores the monitor never rests, and what could go on, composing or
// encoding, waits for it. With twice as many there is one to be had.
package cores

import (
	"os"
	"runtime"
)

// count is what the runtime has found out at the start: cores, or fewer where a
// cgroup or GOMAXPROCS grants fewer.
var count = runtime.GOMAXPROCS(0)

// Count returns how many cores there are to work with, at least 1. Safe for
// concurrent use.
func Count() int { return count }

// Lend gives the runtime a second P for every core, unless the environment says
// how many it is to have. It belongs at the start of a program that decodes and
// encodes.
func Lend() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(2 * count)
	}
}
