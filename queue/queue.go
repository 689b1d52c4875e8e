// Package queue hands out work at least once. The interfaces are the contract;
// Memory serves one process, SQS many machines, and queuetest holds every
// implementation to the numbered list below.
package queue

import (
	"context"
	"errors"
	"time"
)

// ErrLost says that a lease is no longer held: its time ran out or its message
// is gone. Work under it must stop; what it wrote must be harmless.
var ErrLost = errors.New("queue: lease lost")

// ErrClosed is returned by calls on a closed queue.
var ErrClosed = errors.New("queue: closed")

// Queue is a queue of messages. Safe for concurrent use. Calls may block and
// honour their context.
//
//  1. A sent message is received at least once.
//  2. A received message is hidden from other receivers for its visibility time.
//  3. Extend restarts that time from now; after it has run out, Extend and Ack
//     return ErrLost and the message is received again.
//  4. Ack removes the message for good.
//  5. Nack makes the message visible again after a delay, at once for zero.
//  6. Deliveries counts receptions of the message, 1 for the first, as far as
//     the server knows; do not build on it.
//  7. A message received more often than the queue's limit goes to its dead
//     letters instead.
//  8. Order is not promised.
type Queue interface {
	// Send adds a message; it becomes visible after delay (at most 15 minutes).
	Send(ctx context.Context, body []byte, delay time.Duration) error
	// Receive waits for up to max messages (1..10), at least one, hidden for
	// visibility. It returns no messages and no error when nothing came within
	// the implementation's poll time.
	Receive(ctx context.Context, max int, visibility time.Duration) ([]Lease, error)
	// Depth returns about how many messages are visible and how many are leased.
	Depth(ctx context.Context) (visible, leased int, err error)
}

// Lease is a received message. Not safe for concurrent use, except Extend
// beside the work it keeps alive.
type Lease interface {
	Body() []byte
	Deliveries() int
	Extend(ctx context.Context, visibility time.Duration) error
	Ack(ctx context.Context) error
	Nack(ctx context.Context, delay time.Duration) error
}
