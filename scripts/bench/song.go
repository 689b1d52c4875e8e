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

// makeSong fills dir with n recordings, linked from the source song; when it
// has fewer, they come again under other part ids.
func makeSong(ctx context.Context, c config, dir string, n int) error {
	src := c.song
	if src == "" {
		src = filepath.Join(c.out, "choir")
		if _, err := os.Stat(filepath.Join(src, "truth.json")); errors.Is(err, os.ErrNotExist) {
			cmd := exec.CommandContext(ctx, "go", "run", "./scripts/choirgen", "--out", src, "--parts", "16")
			cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
			if err := cmd.Run(); err != nil {
				return fmt.Errorf("choirgen: %w", err)
			}
		}
	}
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
