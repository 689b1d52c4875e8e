package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// benchGain: a song of 16 parts of 25 s is rendered, then one volume is changed in
// its song.json and it is rendered again, as a person would: the whole command, from
// its start to the MP4 in place.
func benchGain(r *report) error {
	command, dir := filepath.Join(r.dir, "choirless"), filepath.Join(r.dir, "choir")
	for _, c := range [][]string{
		{"go", "build", "-o", command, "./cmd/choirless"},
		{"go", "run", "./scripts/choirgen", "--out", dir, "--parts", "16", "--seconds", "25"},
	} {
		if out, err := exec.Command(c[0], c[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("%v: %w: %s", c, err, out)
		}
	}
	render := func() (wall, cpu float64, err error) {
		c := exec.Command(command, "render", dir, "--out", filepath.Join(r.dir, "final.mp4"), "--cache", filepath.Join(r.dir, "cache"))
		start := time.Now()
		if out, err := c.CombinedOutput(); err != nil {
			return 0, 0, fmt.Errorf("render: %w: %s", err, out)
		}
		u := c.ProcessState.SysUsage().(*syscall.Rusage)
		return time.Since(start).Seconds(), seconds(u.Utime) + seconds(u.Stime), nil
	}
	_, whole, err := render()
	if err != nil {
		return err
	}
	wall, cpu := 1e9, 1e9
	for i := range 3 {
		if err := turnDown(filepath.Join(dir, "song.json"), 0.9-0.1*float64(i)); err != nil {
			return err
		}
		w, c, err := render()
		if err != nil {
			return err
		}
		wall, cpu = min(wall, w), min(cpu, c)
	}
	r.line("gain change, 16 parts of 25 s, whole command, wall", "%.2f", wall, "≤ 2", wall <= 2)
	r.line("  CPU", "%.2f", cpu, "", true)
	r.line("  share of the CPU of the whole render, %", "%.1f", 100*cpu/whole, "≤ 5", cpu <= 0.05*whole)
	return nil
}

// turnDown sets the volume of the fourth part of a song file.
func turnDown(file string, volume float64) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var song map[string]any
	if err := json.Unmarshal(text, &song); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	parts, ok := song["parts"].([]any)
	if !ok || len(parts) < 4 {
		return fmt.Errorf("%s: fewer than four parts", file)
	}
	part, ok := parts[3].(map[string]any)
	if !ok {
		return fmt.Errorf("%s: its fourth part is no object", file)
	}
	part["volume"] = volume
	if text, err = json.Marshal(song); err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o644)
}
