// Command coordinator runs songs from upload to final video over S3, SQS and
// PostgreSQL: it reads notifications, aligns, plans, hands out assignments,
// joins what nodes made, and serves the status. It needs no GPU.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.LookupEnv, os.Stderr)
	stop()
	os.Exit(code)
}
