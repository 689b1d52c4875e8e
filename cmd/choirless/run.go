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
	"github.com/choirless/render/local"
)

// Exit codes. The README's table is checked against this one by a test.
const (
	exitOK          = 0   // done, perhaps with warnings about single parts
	exitFailed      = 1   // the work failed
	exitUsage       = 2   // flags or arguments are wrong
	exitInput       = 3   // the input cannot be used
	exitReview      = 4   // align: done, but a part needs a person's review
	exitInterrupted = 130 // stopped by a signal
)

// failure is an error with an exit code and, where there is one, a hint.
type failure struct {
	code int
	err  error
	hint string
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

func usage(format string, args ...any) error {
	return &failure{code: exitUsage, err: fmt.Errorf(format, args...)}
}

func badInput(err error, hint string) error {
	return &failure{code: exitInput, err: err, hint: hint}
}

// newLog writes what a person may want to see to w: warnings and errors, and
// everything when verbose.
func newLog(w io.Writer, verbose bool) *slog.Logger {
	level := slog.LevelError
	if verbose {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level}))
}

// run executes the command line and returns the exit code.
func run(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errOut)
	err := root.ExecuteContext(ctx)
	return exitCode(ctx, err, errOut)
}

func exitCode(ctx context.Context, err error, errOut io.Writer) int {
	if err == nil {
		return exitOK
	}
	if ctx.Err() != nil {
		fmt.Fprintln(errOut, "choirless: interrupted")
		return exitInterrupted
	}
	var f *failure
	var reject *decode.RejectError
	var input *local.InputError
	code, hint := exitFailed, ""
	switch {
	case errors.As(err, &f):
		code, hint = f.code, f.hint
	case errors.As(err, &input):
		code, hint = exitInput, input.Hint
	case errors.As(err, &reject), errors.Is(err, os.ErrNotExist):
		code = exitInput
	}
	fmt.Fprintln(errOut, "choirless: error:", err)
	if hint != "" {
		fmt.Fprintln(errOut, "choirless: hint:", hint)
	}
	return code
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "choirless",
		Short: "turn singers' recordings into one finished choir video",
		Long: `choirless turns recordings of single singers into one finished choir video.

It finds out by how many milliseconds each recording is off, plans a canvas,
tiles and scales every picture, mixes every voice with reverb, sets the loudness
and writes one MP4. Everything runs on this machine and in this process.`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args: func(c *cobra.Command, a []string) error {
			if len(a) == 0 {
				return nil
			}
			return &failure{code: exitUsage, err: fmt.Errorf("unknown command %q", a[0]), hint: "see choirless --help"}
		},
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return &failure{code: exitUsage, err: err, hint: "see " + c.CommandPath() + " --help"}
	})
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(newRender(), newServe(), newProbe(), newAlign(), newPlan(), newStitch())
	return root
}

// args checks the number of arguments in this command's own voice.
func args(least, most int, what string) cobra.PositionalArgs {
	return func(c *cobra.Command, a []string) error {
		if len(a) < least || (most >= 0 && len(a) > most) {
			return &failure{
				code: exitUsage, err: fmt.Errorf("%s: %d arguments, want %s", c.Name(), len(a), what),
				hint: "see " + c.CommandPath() + " --help",
			}
		}
		return nil
	}
}
