package scratch

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// prefix begins the names of the folders of these tests.
const prefix = "choirless-test-"

// TestMain lets the test binary also be a process that holds a folder until it is killed.
func TestMain(m *testing.M) {
	if parent := os.Getenv("CHOIR_TEST_SCRATCH"); parent != "" {
		f, err := Open(parent, prefix)
		if err == nil {
			err = os.WriteFile(filepath.Join(f.Dir(), "half"), make([]byte, 1000), 0o666)
		}
		if err != nil {
			os.Exit(1)
		}
		os.Stdout.WriteString("ready\n")
		select {}
	}
	os.Exit(m.Run())
}

func folders(t *testing.T, parent string) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(parent, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestFolderOfAKilledProcessIsRemoved(t *testing.T) {
	parent := t.TempDir()
	if err := os.Mkdir(filepath.Join(parent, "of others"), 0o777); err != nil {
		t.Fatal(err)
	}
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
	ours, err := Open(parent, prefix)
	if err != nil {
		t.Fatal(err)
	}
	if got := folders(t, parent); len(got) != 3 {
		t.Errorf("folders %v while the other lives, want three", got)
	}
	c.Process.Kill()
	c.Wait() // says that it was killed
	again, err := Open(parent, prefix)
	if err != nil {
		t.Fatal(err)
	}
	if got := folders(t, parent); len(got) != 3 {
		t.Errorf("folders %v, want ours and that of others", got)
	}
	if err := errors.Join(ours.Close(), again.Close()); err != nil {
		t.Error(err)
	}
	if got := folders(t, parent); len(got) != 1 {
		t.Errorf("left: %v", got)
	}
}

// Many that begin at once take nothing from each other.
func TestManyAtOnce(t *testing.T) {
	parent := t.TempDir()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 50 {
				f, err := Open(parent, prefix)
				if err != nil {
					t.Error(err)
					return
				}
				if err := os.WriteFile(filepath.Join(f.Dir(), "file"), nil, 0o666); err != nil {
					t.Error(err)
				}
				if err := f.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if got := folders(t, parent); len(got) != 0 {
		t.Errorf("left: %v", got)
	}
}
