package coordinator

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/choirless/render/align"
	"github.com/choirless/render/bucket"
	"github.com/choirless/render/definition"
	"github.com/choirless/render/internal/trace"
	"github.com/choirless/render/plan"
	"github.com/choirless/render/queue"
	"github.com/choirless/render/store"
)

// Config is what a coordinator needs. Store, Buckets, Assignments and Reports
// must be set; other zero values mean the stated defaults.
type Config struct {
	Store store.Store
	// Buckets are the buckets by role; all of definition.Buckets().
	Buckets bucket.Buckets
	// Events brings notifications of the raw and definition buckets. Nil: only
	// Announce and the reconciliation tell of objects.
	Events queue.Queue
	// Assignments is where nodes get their work, Reports where news of it comes from.
	Assignments, Reports queue.Queue
	// Watched says that the raw and definition buckets are folders that others
	// write into and that bucket.Watch announces everything in them, at the start
	// too. The reconciliation then leaves them alone: a list cannot tell a whole
	// file from half of one.
	Watched bool
	// BucketNames maps the names in notifications to roles, where they differ.
	BucketNames map[string]string
	// Name identifies the coordinator; it must be unique. "" makes one up.
	Name string
	// Volatile says that the queues die with this process: when Run starts,
	// everything that was under way is queued again at once.
	Volatile bool

	// Output and Layout are what automatic definitions have where the song's own
	// settings say nothing.
	Output definition.Output
	Layout definition.LayoutOptions
	// Encoder's zero fields are taken from plan.EncoderDefault. Segment is how
	// long a segment is, plan.SegmentDefault when 0.
	Encoder plan.Encoder
	Segment time.Duration
	// Align tunes the alignment; Previous, Fallback and Cache are ours.
	Align align.Options

	// Attempts is how often a task may fail before its part is left out. Backoff
	// is the pause after the first failure, doubled for each that follows.
	Attempts int
	Backoff  time.Duration
	// Steps is how often a step of the coordinator's own may fail.
	Steps int
	// Losses is how often a node may go silent on one task.
	Losses int
	// Debounce is how long a song waits for more after a recording is ingested.
	Debounce time.Duration
	// Claim is how long a claim on a step lasts without being renewed, and how long
	// a message is left to who took it.
	Claim time.Duration
	// Silent is how long a running task may be without news; Resend is how long a
	// message may stay unread, doubled each time.
	Silent, Resend time.Duration
	// Keep is how long what can be made again (cells, sounds, converted parts,
	// previews) stays after the last render that used it.
	Keep time.Duration
	// NoGrowing spares the preview that grows: nobody watches. The sound is mastered
	// while nodes work either way.
	NoGrowing bool
	// Abreast is how many stripes are composed at a time; 0 is all of them, as a
	// preview that grows needs it.
	Abreast int
	// Reconcile is the time between two comparisons of buckets and store.
	Reconcile time.Duration
	// Poll bounds how late a change is seen that nothing announced.
	Poll time.Duration
	// Verify has every final decoded and compared with its stripes, sample by
	// sample, before it is published: about a tenth of what composing it cost.
	Verify bool
	// Scratch is a folder for temporary files; "" is the system's.
	Scratch string
	// Metrics is where the coordinator's figures are registered; nil keeps them to itself.
	Metrics prometheus.Registerer
	// Trace makes the spans of the songs' steps; nil makes none.
	Trace *trace.Tracer
	Log   *slog.Logger
}

// Defaults of Config.
const (
	AttemptsDefault  = 3
	BackoffDefault   = 2 * time.Second
	StepsDefault     = 10
	LossesDefault    = 10
	DebounceDefault  = 2 * time.Second
	ClaimDefault     = time.Minute
	SilentDefault    = 2 * time.Minute
	ResendDefault    = 2 * time.Minute
	ReconcileDefault = time.Minute
	KeepDefault      = 30 * 24 * time.Hour
	PollDefault      = time.Second
)

// Coordinator is the state machine of all songs. Make one with New. Safe for
// concurrent use.
type Coordinator struct {
	cfg   Config
	store store.Store
	log   *slog.Logger
	// roles maps a notification's bucket name to our role.
	roles     map[string]string
	measured  measured
	mastering keyedLock
	metrics   *metrics
}

// New checks the configuration and reports all its faults.
func New(cfg Config) (*Coordinator, error) {
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("coordinator: %w", err)
	}
	cfg.Name = cmp.Or(cfg.Name, madeUpName())
	cfg.Attempts = cmp.Or(cfg.Attempts, AttemptsDefault)
	cfg.Backoff = cmp.Or(cfg.Backoff, BackoffDefault)
	cfg.Steps = cmp.Or(cfg.Steps, StepsDefault)
	cfg.Losses = cmp.Or(cfg.Losses, LossesDefault)
	cfg.Debounce = cmp.Or(cfg.Debounce, DebounceDefault)
	cfg.Claim = cmp.Or(cfg.Claim, ClaimDefault)
	cfg.Silent = cmp.Or(cfg.Silent, SilentDefault)
	cfg.Resend = cmp.Or(cfg.Resend, ResendDefault)
	cfg.Keep = cmp.Or(cfg.Keep, KeepDefault)
	cfg.Reconcile = cmp.Or(cfg.Reconcile, ReconcileDefault)
	cfg.Poll = cmp.Or(cfg.Poll, PollDefault)
	cfg.Log = cmp.Or(cfg.Log, slog.Default())
	roles := map[string]string{}
	for _, r := range definition.Buckets() {
		roles[r] = r
	}
	for name, role := range cfg.BucketNames {
		roles[name] = role
	}
	c := &Coordinator{cfg: cfg, store: cfg.Store, log: cfg.Log.With("coordinator", cfg.Name), roles: roles}
	c.metrics = newMetrics(c)
	return c, nil
}

func (c Config) validate() error {
	var errs []error
	fault := func(bad bool, format string, args ...any) {
		if bad {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	fault(c.Store == nil, "Store: not set")
	fault(c.Assignments == nil, "Assignments: not set")
	fault(c.Reports == nil, "Reports: not set")
	known := map[string]bool{}
	for _, r := range definition.Buckets() {
		known[r] = true
		fault(c.Buckets[r] == nil, "Buckets: no bucket for %q", r)
	}
	for name, role := range c.BucketNames {
		fault(!known[role], "BucketNames: %q is mapped to %q, which is no role", name, role)
	}
	for _, n := range []struct {
		name  string
		value int
	}{
		{"Attempts", c.Attempts},
		{"Steps", c.Steps},
		{"Losses", c.Losses},
	} {
		fault(n.value < 0, "%s: %d, want 1 or more, or 0 for the default", n.name, n.value)
	}
	for _, d := range []struct {
		name  string
		value time.Duration
	}{
		{"Backoff", c.Backoff},
		{"Debounce", c.Debounce},
		{"Claim", c.Claim},
		{"Silent", c.Silent},
		{"Resend", c.Resend},
		{"Reconcile", c.Reconcile},
		{"Keep", c.Keep},
		{"Poll", c.Poll},
		{"Segment", c.Segment},
	} {
		fault(d.value < 0, "%s: %v, want more than 0, or 0 for the default", d.name, d.value)
	}
	return errors.Join(errs...)
}

func madeUpName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	return fmt.Sprintf("%s-%d-%s", host, os.Getpid(), randomID(3))
}

// randomID returns n random bytes as lower-case hex.
func randomID(n int) string {
	b := make([]byte, n)
	rand.Read(b) // never fails
	return hex.EncodeToString(b)
}
