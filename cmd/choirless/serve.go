package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/choirless/render/align"
	"github.com/choirless/render/bucket"
	"github.com/choirless/render/coordinator"
	"github.com/choirless/render/decode"
	"github.com/choirless/render/definition"
	"github.com/choirless/render/encode"
	"github.com/choirless/render/internal/health"
	"github.com/choirless/render/local"
	"github.com/choirless/render/node"
	"github.com/choirless/render/web"
)

// claimTime is how long a song that was being finished when the process was
// killed waits after the restart.
const claimTime = 6 * time.Second

type serveFlags struct {
	data, listen   string
	encoder        string
	decoder        string
	debounce, keep time.Duration
	reach          time.Duration
	slots          int
	stock, verbose bool
	verify         bool
}

func newServe() *cobra.Command {
	var o serveFlags
	c := &cobra.Command{
		Use:   "serve --data DIR",
		Short: "render whatever is dropped into a folder, with a status page",
		Long: `serve is the whole service on one machine. The folders of DIR are the buckets:
a recording named <choirid>+<songid>+<partid>.<ext> that is dropped into DIR/raw
is converted, aligned and rendered; the video appears in DIR/final. A file that
is still being written is left alone until it is whole. A definition dropped into
DIR/definition is rendered too. The state is in DIR/choirless.db: whatever was
going on when the process ended goes on when it starts again.`,
		Args: args(0, 0, "no arguments"),
		RunE: func(c *cobra.Command, a []string) error {
			return serve(c.Context(), o, c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	f := c.Flags()
	f.StringVar(&o.data, "data", "", "`folder` for buckets and database; made when missing")
	f.StringVar(&o.listen, "listen", "127.0.0.1:8080", "address of the status page and API")
	f.DurationVar(&o.debounce, "debounce", 2*time.Second, "how long to wait for more parts before a song is rendered")
	f.DurationVar(&o.keep, "keep", coordinator.KeepDefault, "how long cells, sounds, converted parts and previews stay after the last render that used them")
	f.StringVar(&o.encoder, "encoder", "auto", "what encodes the picture: x264, nvenc, or auto for nvenc where it works")
	f.StringVar(&o.decoder, "decoder", "auto", "what decodes the parts' pictures: software, nvdec, or auto for nvdec where it works")
	f.DurationVar(&o.reach, "reach", align.ReachDefault, "how far off a part may be, either way")
	f.IntVar(&o.slots, "slots", 0, "tasks worked on at once, a picture counted as two; 0 is one per core")
	f.BoolVar(&o.stock, "stock-encoder", false, "encode stripes twice instead of joining them in the bitstream")
	f.BoolVar(&o.verify, "verify", false, "check every stripe for motion that leaves it, and decode every video and compare every picture")
	f.BoolVarP(&o.verbose, "verbose", "v", false, "log every step to standard error")
	return c
}

func serve(ctx context.Context, o serveFlags, out, errOut io.Writer) error {
	if o.data == "" {
		return usage("serve: --data is missing")
	}
	w := &wrong{}
	w.reach(o.reach)
	w.slots(o.slots)
	if err := w.err(); err != nil {
		return err
	}
	codec, err := chooseEncoder(o.encoder)
	if err != nil {
		return err
	}
	decoder, err := chooseDecoder(o.decoder)
	if err != nil {
		return err
	}
	lock, err := lockData(o.data)
	if err != nil {
		return err
	}
	defer lock.Close()
	// The address is taken before anything runs: two services on one port are
	// a mistake to hear of at once.
	listener, err := net.Listen("tcp", o.listen)
	if err != nil {
		return err
	}
	log := newLog(errOut, o.verbose)
	log.Info("encoder", "chosen", codec.String(), "nvenc", available(encode.NVENC))
	for _, codec := range decode.Codecs {
		log.Info("decoder", "codec", codec, "chosen", decoder.Says(codec))
	}
	l, err := local.Open(ctx, local.Options{
		Data: o.data, Log: log,
		Config: func(c *coordinator.Config) {
			c.Encoder.Codec = string(codec)
			c.Debounce, c.Watched, c.Verify, c.Keep = o.debounce, true, o.verify, o.keep
			c.Align.Reach = o.reach
			// The folder is ours alone: a claim left behind is of a process that
			// was killed, and need not be waited for.
			c.Claim = claimTime
		},
		Node: func(c *node.Config) {
			c.Slots, c.Decoder, c.StockEncoder, c.Verify = o.slots, decoder, o.stock, o.verify
		},
	})
	if err != nil {
		listener.Close()
		return err
	}
	h := web.New(web.Config{Store: l.Store, Coordinator: l.Coordinator, Buckets: l.Buckets, Log: log})
	l.Start(ctx)
	for _, role := range []string{definition.BucketRaw, definition.BucketDefinition} {
		dir := l.Buckets[role].(*bucket.Dir)
		l.Group.Go(func() error {
			return bucket.Watch(l.Context, dir, l.Events, bucket.WatchOptions{Name: role, Log: log})
		})
	}
	l.Group.Go(func() error { return health.ServeListener(l.Context, listener, h) })
	fmt.Fprintf(out, "choirless: drop recordings into %s\nchoirless: status at http://%s/\n", filepath.Join(o.data, definition.BucketRaw), listener.Addr())
	err = l.Wait()
	if cerr := l.Close(); err == nil {
		err = cerr
	}
	return err
}

// lockData keeps a second process off the folder: its queues are in memory.
func lockData(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, badInput(fmt.Errorf("%s is served by another process", dir), "")
	}
	return f, nil
}
