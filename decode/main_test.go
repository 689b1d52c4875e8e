package decode

import (
	"fmt"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/choirless/render/internal/av"
	"github.com/choirless/render/internal/avtest"
	"github.com/choirless/render/media"
)

// TestMain fails the package when anything of libav's was not closed.
func TestMain(m *testing.M) {
	leaked := make(chan string, 100)
	av.OnLeak = func(what string) { leaked <- what }
	code := m.Run()
	for range 3 {
		runtime.GC()
		time.Sleep(time.Millisecond)
	}
	if n := av.Live(); n != 0 || len(leaked) > 0 {
		fmt.Fprintf(os.Stderr, "%d things of libav's still open, %d lost\n", n, len(leaked))
		code = 1
	}
	os.Exit(code)
}

const ms = time.Millisecond

// times turns milliseconds into times.
func times(millis ...int) []time.Duration {
	t := make([]time.Duration, len(millis))
	for i, m := range millis {
		t[i] = time.Duration(m) * ms
	}
	return t
}

// shown is one picture as a test sees it.
type shown struct {
	number int
	at     time.Duration
	width  int
}

// all reads every picture.
func all(t *testing.T, v *Video) []shown {
	t.Helper()
	var out []shown
	for {
		f, err := v.Read()
		if err != nil {
			if err.Error() != "EOF" {
				t.Fatal(err)
			}
			return out
		}
		out = append(out, shown{avtest.ReadNumber(f), f.Time, f.Width()})
	}
}

// listen reads all of the sound's first channel.
func listen(t *testing.T, a *Audio) []float32 {
	t.Helper()
	var out []float32
	for {
		b, err := a.Read()
		if err != nil {
			if err.Error() != "EOF" {
				t.Fatal(err)
			}
			return out
		}
		if b.Start != int64(len(out)) {
			t.Fatalf("block starts at sample %d, want %d", b.Start, len(out))
		}
		out = append(out, b.Channels[0]...)
	}
}

// clicks returns where the sound has its clicks.
func clicks(x []float32) []int {
	var out []int
	for i := 0; i < len(x); i++ {
		if x[i] < 0.3 && x[i] > -0.3 {
			continue
		}
		top := i
		for j := i; j < min(i+100, len(x)); j++ {
			if x[j] > x[top] {
				top = j
			}
		}
		out = append(out, top)
		i = top + avtest.ClickEvery/2
	}
	return out
}

// expectClicks checks that the clicks are a ClickEvery apart from first on.
func expectClicks(t *testing.T, x []float32, first, tolerance int) {
	t.Helper()
	got := clicks(x)
	if len(got) == 0 {
		t.Fatalf("no click in %d samples", len(x))
	}
	for i, at := range got {
		want := first + i*avtest.ClickEvery
		if d := at - want; d > tolerance || d < -tolerance {
			t.Errorf("click %d at sample %d, want %d ±%d", i, at, want, tolerance)
		}
	}
}

var _ = media.MixRate
