package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/choirless/render/coordinator/status"
	"github.com/choirless/render/definition"
	"github.com/choirless/render/internal/cluster"
	"github.com/choirless/render/store"
)

// demo uploads the recordings of a folder and follows their song to its final.
func demo(ctx context.Context, c *cluster.Cluster, folder string, out io.Writer) error {
	keys, song, err := recordings(folder)
	if err != nil {
		return err
	}
	if text, err := os.ReadFile(filepath.Join(folder, "song.json")); err == nil {
		f, err := definition.ParseSongFile(text)
		if err != nil {
			return fmt.Errorf("%s/song.json: %w", folder, err)
		}
		for _, p := range f.Parts {
			if err := c.PutPart(ctx, song, p); err != nil {
				return err
			}
		}
	}
	began := time.Now()
	for _, key := range keys {
		content, err := os.ReadFile(filepath.Join(folder, key))
		if err != nil {
			return err
		}
		if err := c.Upload(ctx, key, content); err != nil {
			return err
		}
	}
	fmt.Fprintf(out, "cluster: %d recordings uploaded to presigned addresses\n", len(keys))
	s, err := follow(ctx, c, song, out)
	if err != nil {
		return err
	}
	if s.Output == nil {
		return fmt.Errorf("song %q: %s: %s", song.Song, s.State, s.Error)
	}
	url, err := c.FinalURL(ctx, s.Output.Final)
	if err != nil {
		return err
	}
	for _, w := range s.Warnings {
		fmt.Fprintf(out, "cluster: warning: part %q: %s\n", w.Part, w.Text)
	}
	fmt.Fprintf(out, "cluster: finished after %.0f s: %d frames of %dx%d, %.1f LUFS\n", time.Since(began).Seconds(),
		s.Output.Frames, s.Output.Width, s.Output.Height, s.Output.LUFS)
	fmt.Fprintf(out, "cluster: the video, for an hour: %s\n", url)
	return nil
}

// recordings returns the keys in a folder, all of one song.
func recordings(folder string) (keys []string, song definition.Song, err error) {
	files, err := os.ReadDir(folder)
	if err != nil {
		return nil, song, err
	}
	for _, f := range files {
		k, err := definition.ParseRawKey(f.Name())
		if err != nil || f.IsDir() {
			continue
		}
		if len(keys) > 0 && k.Song != song {
			return nil, song, fmt.Errorf("%s: recordings of two songs, %q and %q", folder, song.Song, k.Song.Song)
		}
		keys, song = append(keys, f.Name()), k.Song
	}
	if len(keys) == 0 {
		return nil, song, fmt.Errorf("%s: no recordings named choir+song+part.ext", folder)
	}
	return keys, song, nil
}

// follow prints where a song is whenever a stage came on, until it is settled.
func follow(ctx context.Context, c *cluster.Cluster, song definition.Song, out io.Writer) (s status.Song, err error) {
	last := ""
	for {
		s, err = c.Song(ctx, song, definition.AutoName)
		var answer *cluster.StatusError
		if err != nil && !errors.As(err, &answer) {
			return s, err
		}
		if now := stages(s); err == nil && now != last {
			fmt.Fprintf(out, "cluster: %3.0f %%%s\n", s.Percent, now)
			last = now
		}
		if err == nil && s.Settled && s.State != store.TaskQueued {
			return s, nil
		}
		select {
		case <-ctx.Done():
			return s, ctx.Err()
		case <-time.After(time.Second):
		}
	}
}

// stages names the stages under way, and how far each is.
func stages(s status.Song) string {
	var b strings.Builder
	for _, st := range s.Stages {
		if st.State == store.TaskRunning && st.Total > 0 {
			fmt.Fprintf(&b, "  %s %d/%d", st.Stage, st.Done, st.Total)
		}
	}
	return b.String()
}
