package node

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/choirless/render/bucket"
)

// outage keeps a node from taking work while an object store does not answer. Work
// taken all the same would be handed back, again and again: each time it is one
// delivery nearer to the dead letters, and begun for all the coordinator knows, so that
// a long outage would use up how often a task may be lost. Safe for concurrent use.
type outage struct {
	pause time.Duration // between two questions

	mu   sync.Mutex
	role string // of the bucket that did not answer, "" while all do
}

func (o *outage) begin(role string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.role = role
}

func (o *outage) bucket() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.role
}

// end notes that the bucket answers, unless another does not by now.
func (o *outage) end(role string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.role == role {
		o.role = ""
	}
}

// reachable waits until the object stores answer, or ctx ends, whose error it returns.
func (n *Node) reachable(ctx context.Context) error {
	for role := n.outage.bucket(); role != ""; role = n.outage.bucket() {
		_, err := n.cfg.Buckets[role].Stat(ctx, "reachable")
		if err == nil || errors.Is(err, bucket.ErrNotFound) {
			n.cfg.Log.Info("the object store answers again", "bucket", role)
			n.outage.end(role)
			continue
		}
		n.cfg.Log.Warn("no work is taken, an object store does not answer", "bucket", role, "error", err)
		if err := sleep(ctx, n.outage.pause); err != nil {
			return err
		}
	}
	return ctx.Err()
}
