package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// contender is one way to render the song.
type contender struct {
	name string
	// run renders into final, intermediates below scratch; lossless asks for a
	// final that loses nothing, as the reference.
	run func(ctx context.Context, m *meter, final, scratch string, lossless bool) error
}

// meter adds up what child processes cost.
type meter struct {
	cpu float64
	rss float64
}

// command runs a program and counts it.
func (m *meter) command(ctx context.Context, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	var tail strings.Builder
	cmd.Stdout, cmd.Stderr = &tail, &tail
	err := cmd.Run()
	if u, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		m.cpu += float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
		m.rss = max(m.rss, float64(u.Maxrss)/1024)
	}
	if err != nil {
		text := tail.String()
		return fmt.Errorf("%s: %w: %s", name, err, text[max(0, len(text)-400):])
	}
	return nil
}

func (t contender) measure(ctx context.Context, w *work, k int) result {
	r := result{Contender: t.name, Parts: w.parts, Repeat: k + 1}
	scratch, err := os.MkdirTemp(w.out, "scratch-")
	if err != nil {
		r.Error = err.Error()
		return r
	}
	defer os.RemoveAll(scratch)
	final := w.final(t.name)
	m := &meter{}
	began := time.Now()
	if err := t.run(ctx, m, final, scratch, false); err != nil {
		r.Error = err.Error()
	}
	r.Wall, r.CPU, r.RSS = time.Since(began).Seconds(), m.cpu, m.rss
	if st, err := os.Stat(final); err == nil {
		r.Size = float64(st.Size()) / 1e6
	}
	r.Written = treeSize(scratch) + r.Size
	return r
}

func (w *work) final(name string) string {
	return filepath.Join(w.out, fmt.Sprintf("%s-%d.mp4", strings.ReplaceAll(name, " ", "-"), w.parts))
}

// treeSize is the size of all files below dir, MB.
func treeSize(dir string) float64 {
	sum := int64(0)
	filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if i, err := d.Info(); err == nil {
				sum += i.Size()
			}
		}
		return nil
	})
	return float64(sum) / 1e6
}
