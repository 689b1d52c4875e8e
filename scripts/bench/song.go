package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
)

// source is the folder the recordings come from: the one named, or a choir of
// sixteen that is generated once.
func (c config) source(ctx context.Context) (string, error) {
	if c.song != "" {
		return c.song, nil
	}
	src := filepath.Join(c.out, "choir")
	if _, err := os.Stat(filepath.Join(src, "truth.json")); !errors.Is(err, os.ErrNotExist) {
		return src, err
	}
	cmd := exec.CommandContext(ctx, "go", "run", "./scripts/choirgen", "--out", src, "--parts", "16")
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("choirgen: %w", err)
	}
	return src, nil
}

// makeSong fills dir with n recordings, linked from src; when that has fewer,
// they come again under other part ids.
func makeSong(src, dir string, n int) error {
	files, err := recordings(src)
	if err != nil {
		return err
	}
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for i := range n {
		f := files[i%len(files)]
		name := filepath.Base(f)
		if round := i / len(files); round > 0 {
			ext := filepath.Ext(name)
			name = fmt.Sprintf("%s.%d%s", strings.TrimSuffix(name, ext), round, ext)
		}
		abs, err := filepath.Abs(f)
		if err != nil {
			return err
		}
		if err := os.Symlink(abs, filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
}

// recordings lists the files of a song by name, part ids and so the backing first.
func recordings(dir string) ([]string, error) {
	all, err := filepath.Glob(filepath.Join(dir, "*+*+*.*"))
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s holds no recordings named choir+song+part.ext", dir)
	}
	sort.Strings(all)
	return all, nil
}
