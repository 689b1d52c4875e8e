package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// conditions are what figures depend on beside the code.
type conditions struct {
	Date   string `json:"date"`
	Commit string `json:"commit"`
	CPU    string `json:"cpu"`
	Cores  int    `json:"cores"`
	FFmpeg string `json:"ffmpeg"`
}

func (c conditions) String() string {
	return fmt.Sprintf("%s, %d cores of %s, commit %s, %s", c.Date, c.Cores, c.CPU, c.Commit, c.FFmpeg)
}

// describe finds out what it can; what it cannot stays empty.
func describe(ctx context.Context) conditions {
	c := conditions{Date: time.Now().UTC().Format(time.DateOnly), Cores: runtime.NumCPU()}
	if b, err := exec.CommandContext(ctx, "git", "rev-parse", "--short", "HEAD").Output(); err == nil {
		c.Commit = strings.TrimSpace(string(b))
	}
	if b, err := exec.CommandContext(ctx, "ffmpeg", "-version").Output(); err == nil {
		first, _, _ := strings.Cut(string(b), " Copyright")
		c.FFmpeg = strings.TrimSpace(first)
	}
	if b, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(b)) {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				c.CPU = strings.TrimSpace(value)
				break
			}
		}
	}
	return c
}
