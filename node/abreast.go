package node

import (
	"context"
	"errors"
	"sync"
)

// A picture keeps two cores busy by itself: its tiles are decoded two at a time,
// beside composing and encoding. So there is one for every two slots, and whoever
// has another waits with it. More of them at once would do no more, but hold more
// decoders, encoders and contexts, and push each other's pictures out of the
// caches: two on two cores took some 5 % more CPU time and 90 MB more than one.
//
// The place is free as soon as the last picture of a cell is composed. The encoder
// still has some ten of them to do then, one after the other, and the stream is to
// be checked and stored: the next cell begins meanwhile. Its own encoder it opens
// when that one is closed; encoders hold much memory, some 50 MB each for a stripe of
// 1920 samples, and the first pictures can wait.

// pictureCores is how many cores one picture keeps busy.
const pictureCores = 2

// errDraining says that the node takes up nothing more.
var errDraining = errors.New("the node is draining")

// Abreast is how many pictures a node composes at once that has this many slots, of
// which 0 means one per core.
func Abreast(slots int) int {
	return (slotsOr(slots) + pictureCores - 1) / pictureCores
}

// takePlace waits until another picture may be composed and returns what to call
// after it, once or more often. A place that is free is given also to a node that is draining: what it has
// taken up it ends. The error is of ctx, or errDraining.
func (n *Node) takePlace(ctx context.Context) (leave func(), err error) {
	leave = sync.OnceFunc(func() { <-n.places })
	select {
	case n.places <- struct{}{}:
		return leave, nil
	default:
	}
	select {
	case n.places <- struct{}{}:
		return leave, nil
	case <-n.drain:
		return nil, errDraining
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// takeEncoder waits until an encoder may be opened and returns what to call after
// it is closed. The error is of ctx.
func (n *Node) takeEncoder(ctx context.Context) (leave func(), err error) {
	select {
	case n.encoders <- struct{}{}:
		return func() { <-n.encoders }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}
