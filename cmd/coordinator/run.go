package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"

	"github.com/spf13/pflag"

	"github.com/choirless/render/align"
	"github.com/choirless/render/coordinator"
	"github.com/choirless/render/definition"
	"github.com/choirless/render/encode"
	"github.com/choirless/render/internal/flagenv"
	"github.com/choirless/render/internal/metrics"
	"github.com/choirless/render/internal/scratch"
	"github.com/choirless/render/internal/trace"
	"github.com/choirless/render/plan"
	"github.com/choirless/render/store"
	"github.com/choirless/render/web"
)

// envPrefix begins the environment variables of all services.
const envPrefix = "CHOIRLESS"

const about = `coordinator runs songs from upload to final video over S3, SQS and PostgreSQL.
Every flag can also be given as an environment variable: CHOIRLESS_ and the
flag's name in capitals.

`

// run is the command; it returns the exit code: 0 stopped, 1 failed, 2 usage.
func run(ctx context.Context, args []string, env func(string) (string, bool), errOut io.Writer) int {
	var c config
	fs := pflag.NewFlagSet("coordinator", pflag.ContinueOnError)
	fs.SetOutput(errOut)
	fs.Usage = func() { fmt.Fprint(errOut, about, "flags:\n", fs.FlagUsages()) }
	c.Flags(fs)
	err := flagenv.Parse(fs, envPrefix, args, env)
	if errors.Is(err, pflag.ErrHelp) {
		return 0
	}
	// What could not be read is at its default, so that the rest can be judged too.
	err = errors.Join(err, c.Validate())
	if err != nil {
		fmt.Fprintf(errOut, "coordinator: error: %v\ncoordinator: hint: see coordinator --help\n", err)
		return 2
	}
	if err := serve(ctx, c, errOut); err != nil {
		fmt.Fprintf(errOut, "coordinator: error: %v\n", err)
		return 1
	}
	return 0
}

func serve(ctx context.Context, c config, errOut io.Writer) (err error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.logLevel)); err != nil {
		return err
	}
	log := slog.New(slog.NewJSONHandler(errOut, &slog.HandlerOptions{Level: level}))
	if c.name == "" {
		host, err := os.Hostname()
		if err != nil {
			return err
		}
		c.name = fmt.Sprintf("%s:%d", host, os.Getpid())
	}
	tracer, err := trace.Open(ctx, "coordinator", c.name, log)
	if err != nil {
		return err
	}
	defer func() {
		if err := tracer.Close(); err != nil {
			log.Warn("closing", "error", err)
		}
	}()
	st, err := store.OpenPostgres(ctx, c.database)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	buckets, err := c.Buckets(ctx)
	if err != nil {
		return err
	}
	queues, err := c.Queues(ctx, c.events, c.Assignments, c.Reports)
	if err != nil {
		return err
	}
	defer func() {
		for _, q := range queues {
			err = errors.Join(err, q.Close())
		}
	}()
	folder, err := scratch.Open(c.scratch, "choirless-coordinator-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, folder.Close()) }()
	names := map[string]string{}
	for _, role := range definition.Buckets() {
		names[c.BucketName(role)] = role
	}
	codec, err := encode.ParseCodec(c.encoder)
	if err != nil {
		return err
	}
	registry := metrics.New()
	coord, err := coordinator.New(coordinator.Config{
		Store: st, Buckets: buckets, Events: queues[0], Assignments: queues[1], Reports: queues[2],
		BucketNames: names, Name: c.name, Attempts: c.attempts, Debounce: c.debounce, Reconcile: c.reconcile,
		Claim: c.claim, Silent: c.silent, Resend: c.resend, Segment: c.segment, Encoder: plan.Encoder{Codec: string(codec)},
		Align: align.Options{Reach: c.reach}, Scratch: folder.Dir(), Verify: c.verify, Keep: c.keep, Log: log, Metrics: registry, Trace: tracer,
	})
	if err != nil {
		return err
	}
	var listener net.Listener
	if c.listen != "" {
		if listener, err = net.Listen("tcp", c.listen); err != nil {
			return err
		}
	}
	log.Info("ready", "coordinator", c.name)
	s := service{
		coord: coord, pages: web.Config{Store: st, Coordinator: coord, Buckets: buckets, Log: log},
		metrics: metrics.Handler(registry), listener: listener,
	}
	err = s.run(ctx)
	log.Info("stopped")
	return err
}
