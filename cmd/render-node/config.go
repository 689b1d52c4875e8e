package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/choirless/render/decode"
	"github.com/choirless/render/internal/deployment"
)

// config is every setting of the render node; see Flags for the meanings.
type config struct {
	deployment.Config
	name         string
	slots        int
	lease        time.Duration
	drain        time.Duration
	scratch      string
	scratchMax   int64 // MiB
	imds         string
	listen       string
	software     bool
	decoder      string
	stockEncoder bool
	verify       bool
	logLevel     string
}

func (c *config) Flags(fs *pflag.FlagSet) {
	c.Config.Flags(fs)
	fs.StringVar(&c.name, "name", "", "the node's name in reports and logs; by default host and process id")
	fs.IntVar(&c.slots, "slots", 0, "assignments worked on at once, a picture counted as two, as far as memory allows; 0 is one per core")
	fs.DurationVar(&c.lease, "lease", time.Minute, "lease time of an assignment; extended while work runs")
	fs.StringVar(&c.scratch, "scratch", "", "folder for temporary files; by default the system's")
	fs.Int64Var(&c.scratchMax, "scratch-max", 0, "most that temporary files may take, in MiB; 0 is what the disk has")
	fs.DurationVar(&c.drain, "drain", 20*time.Second, "how long work under way may go on after a request to stop, before it is handed back")
	fs.StringVar(&c.imds, "imds", "", "address of EC2's metadata service, http://169.254.169.254: a Spot interruption notice hands all work back; empty for none")
	fs.StringVar(&c.listen, "listen", "127.0.0.1:9102", "address of /healthz, /readyz, /about and /metrics; empty for none")
	fs.BoolVar(&c.software, "software", false, "compose with Mesa's software rasteriser even where there is a GPU")
	fs.StringVar(&c.decoder, "decoder", "auto", "what decodes the parts' pictures: software, nvdec, or auto for nvdec where it works")
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
	if c.drain < 0 || c.drain > time.Hour {
		errs = append(errs, fmt.Errorf("--drain: %v, want 0s to 1h", c.drain))
	}
	if c.scratchMax < 0 || c.scratchMax > 1<<40 {
		errs = append(errs, fmt.Errorf("--scratch-max: %d MiB, want 0 to %d", c.scratchMax, int64(1)<<40))
	}
	if c.imds != "" && !strings.HasPrefix(c.imds, "http://") {
		errs = append(errs, fmt.Errorf("--imds: %q, want http://address", c.imds))
	}
	if c.listen != "" {
		if _, _, err := net.SplitHostPort(c.listen); err != nil {
			errs = append(errs, fmt.Errorf("--listen: %q, want host:port", c.listen))
		}
	}
	if !slices.Contains(decode.DecoderNames, c.decoder) {
		errs = append(errs, fmt.Errorf("--decoder: %q, want auto, software or nvdec", c.decoder))
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
