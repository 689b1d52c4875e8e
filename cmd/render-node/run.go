package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"

	"github.com/spf13/pflag"

	"github.com/choirless/render/decode"
	"github.com/choirless/render/engine"
	"github.com/choirless/render/internal/flagenv"
	"github.com/choirless/render/internal/health"
	"github.com/choirless/render/internal/metrics"
	"github.com/choirless/render/internal/spot"
	"github.com/choirless/render/internal/trace"
	"github.com/choirless/render/node"
)

// envPrefix begins the environment variables of all services.
const envPrefix = "CHOIRLESS"

const about = `render-node leases assignments from SQS, decodes with libav, composes with
OpenGL, mixes, and stores the results in S3. Every flag can also be given as an
environment variable: CHOIRLESS_ and the flag's name in capitals.

`

// run is the command; it returns the exit code: 0 stopped, 1 failed, 2 usage.
func run(ctx context.Context, args []string, env func(string) (string, bool), errOut io.Writer) int {
	var c config
	fs := pflag.NewFlagSet("render-node", pflag.ContinueOnError)
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
		fmt.Fprintf(errOut, "render-node: error: %v\nrender-node: hint: see render-node --help\n", err)
		return 2
	}
	if err := serve(ctx, c, errOut); err != nil {
		fmt.Fprintf(errOut, "render-node: error: %v\n", err)
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
	decoder, err := decode.ChooseDecoder(c.decoder)
	if err != nil {
		return err
	}
	tracer, err := trace.Open(ctx, "render-node", c.name, log)
	if err != nil {
		return err
	}
	defer func() {
		if err := tracer.Close(); err != nil {
			log.Warn("closing", "error", err)
		}
	}()
	buckets, err := c.Buckets(ctx)
	if err != nil {
		return err
	}
	queues, err := c.Queues(ctx, c.Assignments, c.Reports)
	if err != nil {
		return err
	}
	defer func() {
		for _, q := range queues {
			err = errors.Join(err, q.Close())
		}
	}()
	scratch, err := node.OpenScratch(c.scratch, c.scratchMax<<20)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, scratch.Close()) }()
	registry := metrics.New()
	n := node.New(node.Config{
		Name: c.name, Buckets: buckets, Assignments: queues[0], Reports: queues[1],
		Scratch: scratch.Dir(), Space: scratch, Slots: c.slots, Visibility: c.lease,
		Engine: engine.Options{Software: c.software}, Decoder: decoder, StockEncoder: c.stockEncoder, Verify: c.verify,
		Log: log, Metrics: registry, Trace: tracer,
	})
	s := &service{node: n, drain: c.drain, log: log}
	if c.listen != "" {
		if s.listener, err = net.Listen("tcp", c.listen); err != nil {
			return err
		}
		mux := http.NewServeMux()
		mux.Handle("/", health.WithAbout(health.Handler(queueCheck(queues[0]), drainCheck(n), workCheck(n)), func() any { return n.About() }))
		mux.Handle("GET /metrics", metrics.Handler(registry))
		s.handler = mux
	}
	if c.imds != "" {
		s.spot = &spot.Watcher{Address: c.imds, Every: spot.Every, Log: log}
	}
	about := n.About()
	log.Info("ready", "node", c.name, "stripes_join", about.StripesJoin, "encoders", about.Encoders, "decoders", about.Decoders)
	err = s.run(ctx)
	log.Info("stopped")
	return err
}

type depther interface {
	Depth(ctx context.Context) (visible, leased int, err error)
}

// queueCheck is ready when the assignment queue answers.
func queueCheck(q depther) health.Check {
	return health.Check{Name: "assignments", Ready: func(ctx context.Context) error {
		_, _, err := q.Depth(ctx)
		return err
	}}
}

// workCheck is ready while the node could do the work it takes.
func workCheck(n *node.Node) health.Check {
	return health.Check{Name: "work", Ready: func(context.Context) error { return n.Trouble() }}
}

// drainCheck is ready while the node takes assignments.
func drainCheck(n *node.Node) health.Check {
	return health.Check{Name: "draining", Ready: func(context.Context) error {
		if n.Draining() {
			return errors.New("no more assignments are taken")
		}
		return nil
	}}
}
