// Command choirless renders choir videos on one machine: the coordinator and a
// render node in one process over a folder, an in-process queue and SQLite.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/choirless/render/internal/cores"
	_ "github.com/choirless/render/internal/timerslack"
)

func main() {
	cores.Lend()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
