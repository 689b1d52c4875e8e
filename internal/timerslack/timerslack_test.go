package timerslack

import (
	"runtime"
	"syscall"
	"testing"
)

// TestEveryThread looks at threads that the runtime starts for goroutines which
// keep theirs; the monitor is started as they are.
func TestEveryThread(t *testing.T) {
	slack := make(chan uintptr)
	done := make(chan struct{})
	defer close(done)
	const threads = 4
	for range threads {
		go func() {
			runtime.LockOSThread()
			ns, _, _ := syscall.RawSyscall(syscall.SYS_PRCTL, syscall.PR_GET_TIMERSLACK, 0, 0)
			slack <- ns
			<-done
		}()
	}
	for range threads {
		if ns := <-slack; ns != 10_000_000 {
			t.Errorf("a thread's timer slack is %d ns, want 10 ms", ns)
		}
	}
}
