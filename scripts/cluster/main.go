// Cluster runs the whole of Choirless Render on this machine over real servers:
// PostgreSQL, MinIO with its notifications, fauxqs, one coordinator and two render
// nodes. It uploads a song as a browser would, follows its status, says where the
// final is, and serves until Ctrl-C, which leaves nothing running.
//
//	cluster [--song FOLDER] [--nodes 2] [--keep DIR] [--once]
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/spf13/pflag"

	"github.com/choirless/render/internal/cluster"
)

// settings are the flags.
type settings struct {
	song  string
	keep  string
	nodes int
	once  bool
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	var s settings
	fs := pflag.NewFlagSet("cluster", pflag.ContinueOnError)
	fs.StringVar(&s.song, "song", "demo/song", "folder of recordings to upload; empty uploads nothing")
	fs.StringVar(&s.keep, "keep", "", "folder for all data, which is kept and used again; by default a temporary one")
	fs.IntVar(&s.nodes, "nodes", 2, "render nodes, 1 to 64")
	fs.BoolVar(&s.once, "once", false, "stop when the song is finished, and fail unless it has a final")
	err := fs.Parse(os.Args[1:])
	if err == nil && (s.nodes < 1 || s.nodes > 64) {
		err = fmt.Errorf("--nodes: %d, want 1 to 64", s.nodes)
	}
	code := 2
	if err == nil {
		code = 0
		if err = run(ctx, s, os.Stdout); err != nil {
			code = 1
		}
	}
	stop()
	if errors.Is(err, pflag.ErrHelp) {
		err, code = nil, 0
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "cluster: error: %v\n", err)
	}
	os.Exit(code)
}

func run(ctx context.Context, s settings, out io.Writer) (err error) {
	fmt.Fprintln(out, "cluster: starting PostgreSQL, MinIO, fauxqs, a coordinator and", s.nodes, "render nodes")
	c, err := cluster.Start(ctx, cluster.Options{Dir: s.keep, Nodes: s.nodes})
	if err != nil {
		if ctx.Err() != nil {
			return nil // stopped before it was up
		}
		return err
	}
	defer func() {
		fmt.Fprintln(out, "\ncluster: stopping")
		err = errors.Join(err, c.Close())
	}()
	fmt.Fprintf(out, "cluster: status page %s/\n", c.URL("coordinator-1"))
	fmt.Fprintf(out, "cluster: object store %s (key %s, secret %s)\n", c.S3.Endpoint, c.S3.AccessKey, c.S3.SecretKey)
	fmt.Fprintf(out, "cluster: logs in %s\n", filepath.Dir(c.Log("coordinator-1")))
	if s.song != "" {
		err = demo(ctx, c, s.song, out)
		if ctx.Err() != nil {
			return nil // stopped by a person
		}
		if err != nil {
			return err
		}
	}
	if s.once {
		return nil
	}
	fmt.Fprintln(out, "cluster: serving; Ctrl-C stops")
	<-ctx.Done()
	return nil
}
