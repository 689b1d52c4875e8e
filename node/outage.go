package node

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/choirless/render/bucket"
	"github.com/choirless/render/encode"
)

// outage keeps a node from taking work while an object store does not answer, or while
// this machine cannot compose. Work taken all the same would be handed back,
// again and again: each time it is one delivery nearer to the dead letters, and begun
// for all the coordinator knows, so that a long outage would use up how often a task may
// be lost. And who hands back soonest takes the most: one node without a driver would
// hold up the work of all others. Safe for concurrent use.
type outage struct {
	pause time.Duration // between two questions

	asking sync.Mutex // one slot asks for all
	mu     sync.Mutex
	is     *absence // nil while all is there
}

// absence is what a node cannot work without.
type absence struct {
	what string
	why  error
	back func(context.Context) error // asks again; nil when it is there
}

func (o *outage) begin(a absence) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.is = &a
}

func (o *outage) now() *absence {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.is
}

// end notes that something is there again, unless something else is not by now.
func (o *outage) end(a *absence) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.is == a {
		o.is = nil
	}
}

// Trouble is why the node takes no work at the moment; nil when it does.
func (n *Node) Trouble() error {
	a := n.outage.now()
	if a == nil {
		return nil
	}
	return fmt.Errorf("no work is taken, %s: %w", a.what, a.why)
}

// without has the node take no work until what is absent is back, and say so.
func (n *Node) without(a absence) {
	n.outage.begin(a)
	n.say()
}

// reachable waits until everything is there that work needs, or ctx ends, whose error it
// returns.
func (n *Node) reachable(ctx context.Context) error {
	for n.outage.now() != nil {
		if n.askAgain(ctx) {
			continue
		}
		if err := sleep(ctx, n.outage.pause); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// askAgain tells whether what was absent is back.
func (n *Node) askAgain(ctx context.Context) bool {
	n.outage.asking.Lock()
	defer n.outage.asking.Unlock()
	a := n.outage.now()
	if a == nil {
		return true // another slot has found out
	}
	if err := a.back(ctx); err != nil {
		n.cfg.Log.Warn("no work is taken, "+a.what, "error", err)
		return false
	}
	n.cfg.Log.Info("work is taken again", "after", a.what)
	n.outage.end(a)
	n.say()
	return true
}

// away is the absence of the object store of a bucket.
func (n *Node) away(e *transferError) absence {
	return absence{"an object store does not answer", e, func(ctx context.Context) error {
		_, err := n.cfg.Buckets[e.role].Stat(ctx, "reachable")
		if errors.Is(err, bucket.ErrNotFound) {
			return nil
		}
		return err
	}}
}

// lackError is what this machine cannot do and another may: it has no driver to compose
// with.
type lackError struct {
	absence
}

func (e *lackError) Error() string { return e.why.Error() }
func (e *lackError) Unwrap() error { return e.why }

// noEngine is that no compositor could be opened.
func (n *Node) noEngine(err error) error {
	return &lackError{absence{"this machine cannot compose", fmt.Errorf("engine: %w", err), func(ctx context.Context) error {
		e, err := n.takeEngine(ctx)
		if err != nil {
			return err
		}
		n.giveEngine(e, true) // closed, so that there are never more than pictures are composed at once
		return nil
	}}}
}

// noEncoderError is that this machine does not have the encoder that is asked for, and
// another may. It keeps from no other work: nobody knows what the next assignment asks for.
type noEncoderError struct {
	codec encode.Codec
	why   error
}

func (e *noEncoderError) Error() string {
	return fmt.Sprintf("encoder %v: not available on this node: %v", e.codec, e.why)
}
func (e *noEncoderError) Unwrap() error { return e.why }

// available reports why this node does not have an encoder.
func available(c encode.Codec) error {
	if err := c.Available(); err != nil {
		return &noEncoderError{c, err}
	}
	return nil
}
