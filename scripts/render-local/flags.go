package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"github.com/choirless/render/decode"
	"github.com/choirless/render/definition"
	"github.com/choirless/render/local"
	"github.com/choirless/render/scripts/render-local/song"
	"github.com/choirless/render/shaders"
)

// flags are what the command line says.
type flags struct {
	shaders, parts, cache, size       string
	noCache, verbose, plain, software bool
	headless                          bool
	frame                             int
	out, compare, record              string
	psnr                              float64
	mute, paused, commands            bool
	windowSize, avLog                 string
}

// Exit codes, those of choirless.
const (
	exitOK          = 0
	exitFailed      = 1 // the work failed, or the comparison did
	exitUsage       = 2
	exitInput       = 3
	exitInterrupted = 130
)

// errDiffers says that a frame is not like its reference.
var errDiffers = errors.New("differs")

// usageError is about flags and arguments.
type usageError struct{ error }

func run(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) int {
	var o flags
	c := &cobra.Command{
		Use:   "render-local FOLDER|DEFINITION.json",
		Short: "see and hear a song while its shaders and its mix are worked on",
		Long: `render-local shows a song as a render of it would be: in a window with sound, or
with --headless as pictures and a video. FOLDER holds recordings as for choirless
render; a definition is shown with the recordings in its own folder.

The shader files are watched: a change is seen at once, a shader that does not
compile leaves the last good picture and says where it is wrong. F1 lists the keys.`,
		SilenceErrors: true, SilenceUsage: true,
		Args: func(_ *cobra.Command, a []string) error {
			if len(a) != 1 {
				return usageError{fmt.Errorf("%d arguments, want one folder or definition", len(a))}
			}
			return nil
		},
		RunE: func(c *cobra.Command, a []string) error {
			if err := o.validate(); err != nil {
				return err
			}
			if o.headless {
				return headless(c.Context(), a[0], o, out, errOut)
			}
			return show(c.Context(), a[0], o, in, out, errOut)
		},
	}
	o.register(c)
	c.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	c.SetArgs(args)
	c.SetOut(out)
	c.SetErr(errOut)
	return exitCode(ctx, c.ExecuteContext(ctx), errOut)
}

func (o *flags) register(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&o.shaders, "shaders", "", "`folder` with the shader files; by default ./shaders where there is one, else the built-in ones")
	f.StringVar(&o.parts, "parts", "", "`folder` with the recordings of a definition; by default its own")
	f.StringVar(&o.size, "size", "", "size of the canvas, such as 1920x1080; not for a definition")
	f.StringVar(&o.cache, "cache", "", "`folder` to keep converted parts in; by default the user's cache folder")
	f.BoolVar(&o.noCache, "no-cache", false, "keep nothing, use nothing kept")
	f.BoolVar(&o.plain, "plain", false, "draw with the plain two-pass shaders instead of the fast ones")
	f.BoolVar(&o.software, "software", false, "compose with the software rasteriser even where there is a GPU")
	f.BoolVar(&o.headless, "headless", false, "open no window; see --out, --compare, --record")
	f.IntVar(&o.frame, "frame", 0, "headless: output `frame` to draw, counted from 0")
	f.StringVar(&o.out, "out", "", "headless: write the frame, the canvas at its full size, to this PNG `file`")
	f.StringVar(&o.compare, "compare", "", "headless: compare the frame with this PNG `file`; exit code 1 when it differs")
	f.Float64Var(&o.psnr, "psnr", 45, "headless: least PSNR in dB for --compare to pass")
	f.StringVar(&o.record, "record", "", "headless: write the whole song to this MP4 `file`")
	f.BoolVar(&o.mute, "mute", false, "play without a sound card, by the wall clock")
	f.BoolVar(&o.paused, "paused", false, "do not begin to play")
	f.StringVar(&o.windowSize, "window", "1280x720", "size of the window")
	f.BoolVar(&o.commands, "commands", false, "read commands from standard input, one a line: key, seek, wait, screenshot, status, quit")
	f.StringVar(&o.avLog, "av-log", "", "write when each picture and each sound came out to this CSV `file`")
	f.BoolVarP(&o.verbose, "verbose", "v", false, "log every step to standard error")
}

func (o *flags) validate() error {
	var errs []error
	bad := func(format string, a ...any) { errs = append(errs, fmt.Errorf(format, a...)) }
	if o.headless && o.out == "" && o.compare == "" && o.record == "" {
		bad("--headless: nothing to do, want --out, --compare or --record")
	}
	if !o.headless && (o.out != "" || o.compare != "" || o.record != "") {
		bad("--out, --compare and --record go with --headless")
	}
	if o.frame < 0 {
		bad("--frame: %d, want 0 or more", o.frame)
	}
	if _, err := parseSize(o.windowSize, 320); err != nil {
		bad("--window: %w", err)
	}
	if o.size != "" {
		if _, err := parseSize(o.size, 64); err != nil {
			bad("--size: %w", err)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return usageError{err}
	}
	return nil
}

// parseSize reads WIDTHxHEIGHT, both even, from least to 8192.
func parseSize(s string, least int) (definition.Pair, error) {
	var w, h int
	var rest string
	if n, _ := fmt.Sscanf(s, "%dx%d%s", &w, &h, &rest); n != 2 || w < least || h < least || w%2 != 0 || h%2 != 0 || w > 8192 || h > 8192 {
		return definition.Pair{}, fmt.Errorf("%q, want WIDTHxHEIGHT, both even, %d to 8192", s, least)
	}
	return definition.Pair{w, h}, nil
}

func exitCode(ctx context.Context, err error, errOut io.Writer) int {
	if err == nil {
		return exitOK
	}
	if ctx.Err() != nil {
		fmt.Fprintln(errOut, "render-local: interrupted")
		return exitInterrupted
	}
	fmt.Fprintln(errOut, "render-local: error:", err)
	var input *local.InputError
	var reject *decode.RejectError
	switch {
	case errors.As(err, new(usageError)):
		fmt.Fprintln(errOut, "render-local: hint: see render-local --help")
		return exitUsage
	case errors.As(err, &input):
		if input.Hint != "" {
			fmt.Fprintln(errOut, "render-local: hint:", input.Hint)
		}
		return exitInput
	case errors.As(err, &reject), errors.Is(err, os.ErrNotExist):
		return exitInput
	}
	return exitFailed
}

// open opens the song that the command line names.
func (o flags) open(ctx context.Context, path string, errOut io.Writer) (*song.Song, error) {
	so := song.Options{Parts: o.parts, Cache: o.cache, NoCache: o.noCache, Log: o.log(errOut)}
	if o.size != "" {
		size, err := parseSize(o.size, 64)
		if err != nil {
			return nil, usageError{err}
		}
		so.Output.Size = definition.Some(size)
	}
	s, err := song.Open(ctx, path, so)
	if err != nil {
		return nil, err
	}
	for _, w := range s.Warnings {
		fmt.Fprintf(errOut, "render-local: warning: part %q: %s\n", w.Part, w.Text)
	}
	return s, nil
}

func (o flags) log(w io.Writer) *slog.Logger {
	level := slog.LevelError
	if o.verbose {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level}))
}

// shaderDir is the folder with the shader files, "" for the built-in ones.
func (o flags) shaderDir() string {
	if o.shaders != "" {
		return o.shaders
	}
	if _, err := os.Stat("shaders/version.glsl"); err == nil {
		return "shaders"
	}
	return ""
}

// loadShaders reads the shader files.
func loadShaders(dir string) (shaders.Files, error) {
	if dir == "" {
		return shaders.Files{}, nil
	}
	f, err := shaders.Load(os.DirFS(dir))
	if err != nil {
		return f, fmt.Errorf("shaders in %s: %w", dir, err)
	}
	return f, nil
}
