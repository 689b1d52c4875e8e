// Package queue hands out work at least once. The interfaces are the contract;
// Memory serves one process, SQS many machines, and queuetest holds every
// implementation to the numbered list below.
package queue

import (
	"context"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"
)

// ErrLost says that a lease is no longer held: its time ran out, its message
// is gone, or it was handed back. Work under it must stop; what it wrote must
// be harmless.
var ErrLost = errors.New("queue: lease lost")

// ErrClosed is returned by calls on a closed queue.
var ErrClosed = errors.New("queue: closed")

// The bounds every implementation keeps, which are those of SQS.
const (
	MaxBatch      = 10               // messages in one Receive
	MaxBody       = 256 << 10        // bytes of a body
	MaxDelay      = 15 * time.Minute // of Send
	MaxVisibility = 12 * time.Hour   // of a lease, extensions included
)

// Queue is a queue of messages. Safe for concurrent use. Calls may block and
// honour their context.
//
//  1. A sent message is received at least once.
//  2. A received message is hidden from other receivers for its visibility time.
//  3. Extend restarts that time from now; after it has run out, Extend, Ack and
//     Nack return ErrLost and the message is received again.
//  4. Ack removes the message for good.
//  5. Nack makes the message visible again after a delay, at once for zero.
//  6. Deliveries counts receptions of the message, 1 for the first, as far as
//     the server knows; do not build on it.
//  7. A message received more often than the queue's limit goes to its dead
//     letters instead.
//  8. Order is not promised.
//  9. A Receive whose context ends returns the context's error and swallows no
//     message: what it would have received is received by another, soon.
//  10. After Close every call returns ErrClosed, also those that were waiting.
type Queue interface {
	// Send adds a message; it becomes visible after delay (0..MaxDelay). The
	// body is 1..MaxBody bytes of UTF-8 text without control characters other
	// than tab, line feed and carriage return.
	Send(ctx context.Context, body []byte, delay time.Duration) error
	// Receive waits for up to max messages (1..MaxBatch), at least one, hidden
	// for visibility (whole seconds, 1 s..MaxVisibility). It returns no messages
	// and no error when nothing came within the implementation's poll time.
	Receive(ctx context.Context, max int, visibility time.Duration) ([]Lease, error)
	// Depth returns about how many messages are visible and how many are leased.
	// Messages whose delay still runs count as neither.
	Depth(ctx context.Context) (visible, leased int, err error)
}

// Closer is what every implementation here also is: Close ends the queue on
// this side and waits for what it had under way. It does not remove messages
// from a server. Idempotent.
type Closer interface {
	Close() error
}

// DeadLettered is what a Queue with a limit on deliveries also is.
type DeadLettered interface {
	// DeadLetters is the queue of the messages that were given up, or nil when
	// the queue has no limit. To try one again, Send its body to the queue it
	// came from and Ack it here.
	DeadLetters() Queue
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

// Dead returns about how many messages q has given up; 0 for a queue without
// dead letters.
func Dead(ctx context.Context, q Queue) (int, error) {
	d, ok := q.(DeadLettered)
	if !ok || d.DeadLetters() == nil {
		return 0, nil
	}
	visible, leased, err := d.DeadLetters().Depth(ctx)
	return visible + leased, err
}

// sendAller is a Queue that sends several messages in fewer requests.
type sendAller interface {
	SendAll(ctx context.Context, bodies [][]byte) error
}

// SendAll sends messages without delay, in as few requests as q can. After an
// error some may have been sent: send all again, they arrive at least once.
func SendAll(ctx context.Context, q Queue, bodies [][]byte) error {
	if a, ok := q.(sendAller); ok {
		return a.SendAll(ctx, bodies)
	}
	for _, b := range bodies {
		if err := q.Send(ctx, b, 0); err != nil {
			return err
		}
	}
	return nil
}

// ackAller is a Lease that is acked with others of its queue in fewer requests.
type ackAller interface {
	AckAll(ctx context.Context, all []Lease) error
}

// AckAll acks leases of one queue in as few requests as it can. The error is of
// those that could not be acked, ErrLost among them; the others are.
func AckAll(ctx context.Context, all []Lease) error {
	if len(all) == 0 {
		return nil
	}
	if a, ok := all[0].(ackAller); ok {
		return a.AckAll(ctx, all)
	}
	var errs []error
	for _, l := range all {
		errs = append(errs, l.Ack(ctx))
	}
	return errors.Join(errs...)
}

// checkSend refuses what SQS would refuse, so that what works in one process
// also works on a cluster.
func checkSend(body []byte, delay time.Duration) error {
	if len(body) == 0 || len(body) > MaxBody {
		return fmt.Errorf("queue: body of %d bytes, want 1..%d", len(body), MaxBody)
	}
	if delay < 0 || delay > MaxDelay {
		return fmt.Errorf("queue: delay %v, want 0..%v", delay, MaxDelay)
	}
	for i, r := range string(body) {
		switch {
		case r < ' ' && r != '\t' && r != '\n' && r != '\r', r == '\uFFFE', r == '\uFFFF':
			return fmt.Errorf("queue: body holds control character %U at byte %d", r, i)
		case r == utf8.RuneError:
			if _, size := utf8.DecodeRune(body[i:]); size == 1 {
				return fmt.Errorf("queue: body is not UTF-8 at byte %d", i)
			}
		}
	}
	return nil
}

// checkReceive refuses what SQS would refuse or round.
func checkReceive(max int, visibility time.Duration) error {
	if max < 1 || max > MaxBatch {
		return fmt.Errorf("queue: receive of %d messages, want 1..%d", max, MaxBatch)
	}
	return checkVisibility(visibility)
}

func checkVisibility(v time.Duration) error {
	if v < time.Second || v > MaxVisibility || v%time.Second != 0 {
		return fmt.Errorf("queue: visibility %v, want whole seconds, 1s..%v", v, MaxVisibility)
	}
	return nil
}
