package cores

import (
	"runtime"
	"testing"
)

func TestLend(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(before)
	t.Setenv("GOMAXPROCS", "1")
	if Lend(); runtime.GOMAXPROCS(0) != before {
		t.Errorf("GOMAXPROCS is set, and was changed from %d to %d", before, runtime.GOMAXPROCS(0))
	}
	t.Setenv("GOMAXPROCS", "")
	if Lend(); runtime.GOMAXPROCS(0) != 2*before || Count() != before {
		t.Errorf("%d Ps for %d cores, want %d for %d", runtime.GOMAXPROCS(0), Count(), 2*before, before)
	}
	if Lend(); runtime.GOMAXPROCS(0) != 2*before {
		t.Errorf("%d Ps once lent again", runtime.GOMAXPROCS(0))
	}
}
