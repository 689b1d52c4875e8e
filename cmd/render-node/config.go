package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/pflag"

	"github.com/choirless/render/internal/deployment"
)

// config is every setting of the render node; see Flags for the meanings.
type config struct {
	deployment.Config
	name         string
	slots        int
	lease        time.Duration
	scratch      string
	listen       string
	software     bool
	stockEncoder bool
	verify       bool
	logLevel     string
}

func (c *config) Flags(fs *pflag.FlagSet) {
	c.Config.Flags(fs)
	fs.StringVar(&c.name, "name", "", "the node's name in reports and logs; by default host and process id")
	fs.IntVar(&c.slots, "slots", 0, "assignments worked on at once; 0 is one per core")
	fs.DurationVar(&c.lease, "lease", time.Minute, "lease time of an assignment; extended while work runs")
	fs.StringVar(&c.scratch, "scratch", "", "folder for temporary files; by default the system's")
	fs.StringVar(&c.listen, "listen", "127.0.0.1:9102", "address of /healthz, /readyz and /about; empty for none")
	fs.BoolVar(&c.software, "software", false, "compose with Mesa's software rasteriser even where there is a GPU")
	fs.BoolVar(&c.stockEncoder, "stock-encoder", false, "encode stripes twice instead of joining them in the bitstream")
	fs.BoolVar(&c.verify, "verify", false, "check every stripe for motion that leaves it, not only a sample")
	fs.StringVar(&c.logLevel, "log-level", "info", "debug, info, warn or error")
}

// Validate reports all faults, each with its flag's name and bound.
func (c *config) Validate() error {
	errs := []error{c.Config.Validate()}
	if c.slots < 0 || c.slots > 256 {
		errs = append(errs, fmt.Errorf("--slots: %d, want 0 to 256", c.slots))
	}
	if c.lease < 2*time.Second || c.lease > 12*time.Hour {
		errs = append(errs, fmt.Errorf("--lease: %v, want 2s to 12h", c.lease))
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
