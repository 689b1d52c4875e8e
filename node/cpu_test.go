package node

import (
	"math"
	"testing"
)

func TestCPUShareAddsUpToTheWhole(t *testing.T) {
	var s cpuShare
	before := processCPU()
	a := s.begin()
	burn()
	b := s.begin()
	burn()
	sa := a.end()
	burn()
	sb := b.end()
	whole := (processCPU() - before).Seconds()
	if sum := sa + sb; math.Abs(sum-whole) > 0.02*whole+0.005 {
		t.Errorf("shares %.4f + %.4f = %.4f s, want the process's %.4f s", sa, sb, sum, whole)
	}
	if sa <= 0 || sb <= 0 {
		t.Errorf("shares %.4f and %.4f s, want both above 0", sa, sb)
	}
}

var sink float64

func burn() {
	for i := range 20_000_000 {
		sink += math.Sqrt(float64(i))
	}
}
