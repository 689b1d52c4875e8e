package mix

import (
	"runtime"
	"syscall"
	"testing"
)

// reportCPU makes a benchmark report CPU seconds of the process per iteration,
// which other work on the machine disturbs less than the time on the wall.
func reportCPU(b *testing.B) {
	runtime.GC()
	start := cpuSeconds()
	b.Cleanup(func() { b.ReportMetric((cpuSeconds()-start)/float64(b.N), "cpu-s/op") })
}

func cpuSeconds() float64 {
	var r syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &r) != nil {
		return 0
	}
	return float64(r.Utime.Sec+r.Stime.Sec) + float64(r.Utime.Usec+r.Stime.Usec)/1e6
}
