package node

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// TestMain lets the test binary also be a process that holds a scratch folder until
// it is killed.
func TestMain(m *testing.M) {
	if parent := os.Getenv("CHOIR_TEST_SCRATCH"); parent != "" {
		s, err := OpenScratch(parent, 0)
		if err == nil {
			err = os.WriteFile(filepath.Join(s.Dir(), "half"), make([]byte, 1000), 0o666)
		}
		if err != nil {
			os.Exit(1)
		}
		os.Stdout.WriteString("ready\n")
		select {}
	}
	os.Exit(m.Run())
}

func TestScratchOfAKilledProcessIsRemoved(t *testing.T) {
	parent := t.TempDir()
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), "CHOIR_TEST_SCRATCH="+parent)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	folders := func() []string {
		t.Helper()
		all, err := filepath.Glob(filepath.Join(parent, scratchPrefix+"*"))
		if err != nil {
			t.Fatal(err)
		}
		old := time.Now().Add(-time.Hour)
		for _, f := range all {
			if err := os.Chtimes(f, old, old); err != nil {
				t.Fatal(err)
			}
		}
		return all
	}
	theirs := folders()
	if len(theirs) != 1 {
		t.Fatalf("folders %v", theirs)
	}
	ours, err := OpenScratch(parent, 0)
	if err != nil {
		t.Fatal(err)
	}
	if got := folders(); len(got) != 2 {
		t.Errorf("folders %v while the other lives, want two", got)
	}
	c.Process.Kill()
	c.Wait() // says that it was killed
	again, err := OpenScratch(parent, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(theirs[0]); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s of a killed process: %v", theirs[0], err)
	}
	if err := errors.Join(ours.Close(), again.Close()); err != nil {
		t.Error(err)
	}
	if got := folders(); len(got) != 0 {
		t.Errorf("left: %v", got)
	}
}

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
