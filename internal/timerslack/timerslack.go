// Package timerslack has the kernel wake this process's sleeping threads up to
// 10 ms late. It belongs in programs that render, and is linked in by its name:
//
//	import _ "github.com/choirless/render/internal/timerslack"
//
// The Go runtime's monitor sleeps for 20 µs between two looks as long as it
// finds a goroutine in C for longer than one of them, and takes the P from it. A
// render is C for nine tenths, on all cores, so that the monitor interrupts a
// decoder or an encoder thousands of times a second, and makes two threads
// change places for each P that it took: up to a fifth of the CPU of a render on
// a virtual machine (bench/RESULTS.md). It rests for 10 ms where it
// finds nothing, so nobody may count on more than that. With the slack
// (prctl(2), PR_SET_TIMERSLACK) it looks as seldom while C works as it does else.
//
// A thread begins with the slack of the one that starts it, and another
// thread's cannot be set without privileges. Hence it is done in C before the
// runtime has started any. All timers of the process are as late: this is not
// for programs that show pictures or play sound on time.
package timerslack

import "C" // for slack.c
