package main

import (
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"github.com/choirless/render/media"
	"github.com/choirless/render/mix"
	"github.com/choirless/render/mix/fft"
)

// report prints the table.
type report struct {
	dir    string // for files of this run
	child  bool
	missed int
	rival  float64 // CPU seconds of ffmpeg's chain
	simd   string  // path of the simd build, "" until made
	native string  // path of the C rivals, "-" when they cannot be built
}

func (r *report) heading() {
	fmt.Printf("bench-mix: %s/%s, %d CPUs, CPU seconds unless said\n\n", runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
	fmt.Printf("%-58s %10s   %s\n", "what", "figure", "goal")
}

// line prints a figure and whether it keeps its goal; goal "" is for rivals.
func (r *report) line(what, format string, figure float64, goal string, ok bool) {
	verdict := ""
	if goal != "" {
		verdict = goal + "  ok"
		if !ok {
			verdict = goal + "  MISSED"
			r.missed++
		}
	}
	fmt.Printf("%-58s %10s   %s\n", what, fmt.Sprintf(format, figure), verdict)
}

func (r *report) note(format string, args ...any) {
	if !r.child {
		fmt.Printf("  "+format+"\n", args...)
	}
}

// ours names a figure of this build.
func ours(what string) string { return fmt.Sprintf("%s [mix, %s]", what, fft.Kernel) }

// again runs a section in the simd build.
func (r *report) again(name string) error {
	if runtime.GOARCH != "amd64" {
		return nil
	}
	if r.simd == "" {
		r.simd = filepath.Join(r.dir, "bench-mix-simd")
		c := exec.Command("go", "build", "-o", r.simd, "./scripts/bench-mix")
		c.Env = append(os.Environ(), "GOEXPERIMENT=simd", "CGO_ENABLED=0")
		if out, err := c.CombinedOutput(); err != nil {
			return fmt.Errorf("simd build: %w: %s", err, out)
		}
	}
	c := exec.Command(r.simd, "-child", "-only", name)
	c.Env = append(os.Environ(), fmt.Sprintf("%s=%g", rivalVariable, r.rival))
	c.Stderr = os.Stderr
	out, err := c.Output()
	fmt.Print(string(out))
	r.missed += strings.Count(string(out), "MISSED")
	return err
}

// nativeTool builds the C rivals; it returns "" when it cannot.
func (r *report) nativeTool() string {
	if r.native == "" {
		r.native = filepath.Join(r.dir, "native")
		if err := buildNative("scripts/bench-mix/native", r.native); err != nil {
			r.note("libebur128 and zita-convolver left out: install libebur128-dev libzita-convolver-dev g++")
			r.native = "-"
		}
	}
	if r.native == "-" {
		return ""
	}
	return r.native
}

// buildNative builds the module of the C rivals in dir.
func buildNative(dir, out string) error {
	c := exec.Command("go", "build", "-C", dir, "-o", out, ".")
	c.Env = append(os.Environ(), "CGO_ENABLED=1")
	if text, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("native: %w: %s", err, text)
	}
	return nil
}

// cpu returns CPU seconds used by this process.
func cpu() float64 {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return seconds(u.Utime) + seconds(u.Stime)
}

func seconds(t syscall.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }

// best returns the smallest CPU time of a few runs.
func best(runs int, f func() error) (float64, error) {
	least := math.Inf(1)
	for range runs {
		runtime.GC()
		start := cpu()
		if err := f(); err != nil {
			return 0, err
		}
		least = min(least, cpu()-start)
	}
	return least, nil
}

var errNoFFmpeg = errors.New("no ffmpeg program")

// ffmpeg runs the rival and returns its CPU seconds, the smaller of two runs.
func ffmpeg(args ...string) (float64, error) {
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		return 0, errNoFFmpeg
	}
	least := math.Inf(1)
	for range 2 {
		c := exec.Command("ffmpeg", append([]string{"-v", "error", "-nostdin", "-y"}, args...)...)
		if out, err := c.CombinedOutput(); err != nil {
			return 0, fmt.Errorf("ffmpeg: %w: %s", err, out)
		}
		least = min(least, c.ProcessState.UserTime().Seconds()+c.ProcessState.SystemTime().Seconds())
	}
	return least, nil
}

// writeWAV writes planar samples as float WAV and returns the path.
func (r *report) writeWAV(name string, rate media.SampleRate, ch ...[]float32) (string, error) {
	path := filepath.Join(r.dir, name)
	f, err := os.Create(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	w, err := mix.NewWAVWriter(f, rate, len(ch), int64(len(ch[0])))
	if err != nil {
		return "", err
	}
	if err := w.Write(ch); err != nil {
		return "", err
	}
	return path, errors.Join(w.Close(), f.Close())
}
