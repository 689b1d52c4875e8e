// Render-local shows a song as a render of it would be, in a window with sound,
// while its shaders and its mix are being worked on: the same definition, the same
// shader files, the same compositor and the same mix as the product. Without a
// window it writes single frames or a whole video, for scripts and servers.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime"
	"syscall"
)

// A window system talks to the thread the program began on.
func init() { runtime.LockOSThread() }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
