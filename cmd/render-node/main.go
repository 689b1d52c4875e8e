// Command render-node does the work of Choirless Render: it leases assignments
// from SQS, reads and writes S3, and reports. It needs no database.
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
	code := run(ctx, os.Args[1:], os.LookupEnv, os.Stderr)
	stop()
	os.Exit(code)
}
