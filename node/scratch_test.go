package node

import (
	"context"
	"errors"
	"syscall"
	"testing"
	"time"
)

func TestScratchIsBounded(t *testing.T) {
	s, err := OpenScratch(t.TempDir(), 1000)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.take(t.Context(), 1001); !errors.Is(err, syscall.ENOSPC) || !machineTrouble(err) {
		t.Errorf("more than there is: %v", err)
	}
	give, err := s.take(t.Context(), 600)
	if err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := s.take(short, 600); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("second while the first has it: %v", err)
	}
	time.AfterFunc(10*time.Millisecond, give)
	second, err := s.take(t.Context(), 600)
	if err != nil {
		t.Fatal(err)
	}
	second()
	if s.taken() != 0 {
		t.Errorf("%d bytes taken", s.taken())
	}
}
