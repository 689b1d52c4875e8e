package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/choirless/render/align"
	"github.com/choirless/render/coordinator"
	"github.com/choirless/render/encode"
	"github.com/choirless/render/internal/deployment"
	"github.com/choirless/render/plan"
)

// config is every setting of the coordinator; see Flags for the meanings.
type config struct {
	deployment.Config
	database  string
	events    string
	name      string
	listen    string
	scratch   string
	debounce  time.Duration
	attempts  int
	reconcile time.Duration
	keep      time.Duration
	claim     time.Duration
	silent    time.Duration
	resend    time.Duration
	segment   time.Duration
	encoder   string
	reach     time.Duration
	verify    bool
	logLevel  string
}

func (c *config) Flags(fs *pflag.FlagSet) {
	c.Config.Flags(fs)
	fs.StringVar(&c.database, "database", "", "PostgreSQL connection string, postgres://user:password@host/name")
	fs.StringVar(&c.events, "events", "choirless-events", "queue of the object store's notifications: name or URL")
	fs.StringVar(&c.name, "name", "", "the coordinator's name, unique; by default host and process id")
	fs.StringVar(&c.listen, "listen", "127.0.0.1:8080", "address of the status page, the API, /healthz and /readyz")
	fs.StringVar(&c.scratch, "scratch", "", "folder for temporary files; by default the system's")
	fs.DurationVar(&c.debounce, "debounce", 2*time.Second, "how long to wait for more parts before a song is rendered")
	fs.IntVar(&c.attempts, "attempts", 3, "how often a task may fail before its part is left out")
	fs.DurationVar(&c.reconcile, "reconcile", time.Minute, "time between two comparisons of buckets and database")
	fs.DurationVar(&c.keep, "keep", coordinator.KeepDefault, "how long cells, sounds, converted parts and previews stay after the last render that used them")
	fs.DurationVar(&c.claim, "claim", coordinator.ClaimDefault, "how long what a coordinator has begun is left to it without a sign of life")
	fs.DurationVar(&c.silent, "silent", coordinator.SilentDefault, "how long a node may give no sign of life before its work is given to another")
	fs.DurationVar(&c.resend, "resend", coordinator.ResendDefault, "how long an assignment may stay unread before it is sent again; doubled each time")
	fs.DurationVar(&c.segment, "segment", plan.SegmentDefault, "length of the pieces a song's picture is made in")
	fs.StringVar(&c.encoder, "encoder", "x264", "what nodes encode with: x264, or nvenc where every node has it")
	fs.DurationVar(&c.reach, "reach", align.ReachDefault, "how far off a part may be, either way")
	fs.BoolVar(&c.verify, "verify", false, "decode every final and compare every picture with its stripes before it is published")
	fs.StringVar(&c.logLevel, "log-level", "info", "debug, info, warn or error")
}

// Validate reports all faults, each with its flag's name and bound.
func (c *config) Validate() error {
	errs := []error{c.Config.Validate()}
	if !strings.HasPrefix(c.database, "postgres://") && !strings.HasPrefix(c.database, "postgresql://") {
		errs = append(errs, errors.New("--database: want postgres://…"))
	}
	if c.events == "" {
		errs = append(errs, errors.New("--events: empty, want a queue's name or URL"))
	}
	if c.debounce < 0 || c.debounce > time.Hour {
		errs = append(errs, fmt.Errorf("--debounce: %v, want 0s to 1h", c.debounce))
	}
	if c.attempts < 1 || c.attempts > 100 {
		errs = append(errs, fmt.Errorf("--attempts: %d, want 1 to 100", c.attempts))
	}
	if c.reconcile < time.Second || c.reconcile > 24*time.Hour {
		errs = append(errs, fmt.Errorf("--reconcile: %v, want 1s to 24h", c.reconcile))
	}
	for _, d := range []struct {
		flag        string
		value       time.Duration
		least, most time.Duration
	}{
		{"claim", c.claim, time.Second, time.Hour},
		{"silent", c.silent, time.Second, 24 * time.Hour},
		{"resend", c.resend, time.Second, 24 * time.Hour},
		{"segment", c.segment, time.Second, time.Hour},
		{"reach", c.reach, align.ReachLeast, align.ReachMost},
	} {
		if d.value < d.least || d.value > d.most {
			errs = append(errs, fmt.Errorf("--%s: %v, want %v to %v", d.flag, d.value, d.least, d.most))
		}
	}
	if _, err := encode.ParseCodec(c.encoder); err != nil {
		errs = append(errs, fmt.Errorf("--encoder: %q, want x264 or nvenc", c.encoder))
	}
	if c.keep < time.Hour {
		errs = append(errs, fmt.Errorf("--keep: %v, want at least 1h", c.keep))
	}
	if c.listen != "" {
		if _, _, err := net.SplitHostPort(c.listen); err != nil {
			errs = append(errs, fmt.Errorf("--listen: %q, want host:port", c.listen))
		}
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.logLevel)); err != nil {
		errs = append(errs, fmt.Errorf("--log-level: %q, want debug, info, warn or error", c.logLevel))
	}
	if c.scratch != "" {
		if st, err := os.Stat(c.scratch); err != nil || !st.IsDir() {
			errs = append(errs, fmt.Errorf("--scratch: %q is no folder", c.scratch))
		}
	}
	return errors.Join(errs...)
}
