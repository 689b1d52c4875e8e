package node

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// gate is a memoryGate over a machine of the test's making.
func testGate(available, resident *int64, gpu *int64) *memoryGate {
	g := newMemoryGate(func(context.Context) (int64, bool) { return *gpu, *gpu >= 0 })
	g.available = func() (int64, error) { return *available, nil }
	g.resident = func() (int64, error) { return *resident, nil }
	return g
}

func TestMemoryBoundsAssignments(t *testing.T) {
	const MiB = 1 << 20
	available, resident, gpu := int64(300*MiB), int64(100*MiB), int64(-1)
	g := testGate(&available, &resident, &gpu)
	refused := func() bool {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
		defer cancel()
		leave, err := g.enter(ctx)
		if err == nil {
			leave()
		}
		return err != nil
	}
	first, err := g.enter(t.Context()) // one is always let in
	if err != nil {
		t.Fatal(err)
	}
	end := g.work()
	if !refused() {
		t.Error("a second one is let in with 300 MiB available")
	}
	available = (256 + 256) * MiB
	if refused() {
		t.Error("a second one is refused with 512 MiB available")
	}
	resident = 1100 * MiB // the first has come to take 1000 MiB
	if !refused() {
		t.Error("a second one is let in that will take 1000 MiB, of 512")
	}
	if g.expected() != 1000*MiB {
		t.Errorf("the next is expected to take %d MiB, want 1000", g.expected()/MiB)
	}
	available = 2000 * MiB
	if refused() {
		t.Error("a second one is refused with 2000 MiB available")
	}
	waiting, err := g.enter(t.Context()) // has entered and not received anything yet
	if err != nil {
		t.Fatal(err)
	}
	if !refused() {
		t.Error("a third one is let in beside one that will take 1000 of the 2000 MiB")
	}
	waiting()
	end()
	first()

	// On a GPU its own memory counts, too.
	gpu = 8000 * MiB
	if first, err = g.enter(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer first()
	defer g.work()()
	gpu = 5000 * MiB // the first has taken 3000
	if refused() {
		t.Error("a second one is refused with 5000 MiB free on the GPU")
	}
	gpu = 2000 * MiB
	if !refused() {
		t.Error("a second one is let in with 2000 MiB free on the GPU")
	}
}

func TestControlGroupsBoundMemory(t *testing.T) {
	root := t.TempDir()
	write := func(group, name, text string) {
		t.Helper()
		dir := filepath.Join(root, group)
		if err := os.MkdirAll(dir, 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	write("a/b", "memory.max", "max\n")
	write("a/b", "memory.current", "700\n")
	if left, limited := groupLeft(root, "/a/b"); limited {
		t.Errorf("no limit: %d", left)
	}
	write("a", "memory.max", "1000\n")
	write("a", "memory.current", "800\n")
	write("a", "memory.stat", "anon 600\nfile 200\ninactive_file 150\n")
	if left, limited := groupLeft(root, "/a/b"); !limited || left != 350 {
		t.Errorf("limit of the group above: %d %v, want 350", left, limited)
	}
	write("a/b", "memory.max", "750\n")
	if left, _ := groupLeft(root, "/a/b"); left != 50 {
		t.Errorf("limit of its own: %d, want 50", left)
	}
}

func TestMemoryOfThisMachine(t *testing.T) {
	available, err := memoryAvailable()
	if err != nil || available <= 0 {
		t.Errorf("available %d, %v", available, err)
	}
	resident, err := memoryResident()
	if err != nil || resident < 1<<20 {
		t.Errorf("resident %d, %v", resident, err)
	}
}
