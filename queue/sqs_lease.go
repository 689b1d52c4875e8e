package queue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
)

// sqsLease is one reception of a message.
type sqsLease struct {
	queue      *SQS
	body       []byte
	receipt    string
	deliveries int

	mu    sync.Mutex
	until time.Time // by our clock; zero when acked or handed back
}

func (l *sqsLease) Body() []byte    { return l.body }
func (l *sqsLease) Deliveries() int { return l.deliveries }

// held returns ErrLost when the lease is over by our clock.
func (l *sqsLease) held() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if past(time.Now(), l.until) {
		return ErrLost
	}
	return nil
}

func (l *sqsLease) setUntil(t time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.until = t
}

func (l *sqsLease) Extend(ctx context.Context, visibility time.Duration) error {
	if err := checkVisibility(visibility); err != nil {
		return err
	}
	if err := l.held(); err != nil {
		return err
	}
	// From before the request: the server counts from somewhere after it.
	asked := time.Now()
	if err := l.changeVisibility(ctx, "extend", visibility); err != nil {
		return err
	}
	l.setUntil(asked.Add(visibility))
	return nil
}

func (l *sqsLease) Nack(ctx context.Context, delay time.Duration) error {
	if delay < 0 || delay > MaxVisibility {
		return fmt.Errorf("queue: nack delay %v, want 0..%v", delay, MaxVisibility)
	}
	if err := l.held(); err != nil {
		return err
	}
	if err := l.changeVisibility(ctx, "nack", delay); err != nil {
		return err
	}
	l.setUntil(time.Time{})
	return nil
}

func (l *sqsLease) changeVisibility(ctx context.Context, op string, d time.Duration) error {
	_, err := l.queue.client.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{
		QueueUrl: &l.queue.url, ReceiptHandle: &l.receipt, VisibilityTimeout: seconds(d),
	})
	return l.queue.wrap(op, lostOr(err))
}

func (l *sqsLease) Ack(ctx context.Context) error {
	if err := l.held(); err != nil {
		return err
	}
	_, err := l.queue.client.DeleteMessage(ctx, &sqs.DeleteMessageInput{
		QueueUrl: &l.queue.url, ReceiptHandle: &l.receipt,
	})
	if err != nil {
		return l.queue.wrap("ack", lostOr(err))
	}
	l.setUntil(time.Time{})
	return nil
}

// AckAll implements ackAller: all, which are of this queue, ten to a request.
func (l *sqsLease) AckAll(ctx context.Context, all []Lease) error {
	var errs []error
	for some := range slices.Chunk(all, MaxBatch) {
		var entries []types.DeleteMessageBatchRequestEntry
		for i, other := range some {
			o := other.(*sqsLease)
			if err := o.held(); err != nil {
				errs = append(errs, err)
				continue
			}
			entries = append(entries, types.DeleteMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), ReceiptHandle: &o.receipt})
		}
		if len(entries) == 0 {
			continue
		}
		out, err := l.queue.client.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{QueueUrl: &l.queue.url, Entries: entries})
		if err != nil {
			errs = append(errs, l.queue.wrap("ack", err))
			continue
		}
		for _, done := range out.Successful {
			if i, err := strconv.Atoi(aws.ToString(done.Id)); err == nil && i < len(some) {
				some[i].(*sqsLease).setUntil(time.Time{})
			}
		}
		for _, f := range out.Failed {
			errs = append(errs, l.queue.wrap("ack", lostOr(&smithy.GenericAPIError{
				Code: aws.ToString(f.Code), Message: aws.ToString(f.Message),
			})))
		}
	}
	return errors.Join(errs...)
}

// lostOr turns what servers say about a receipt that is not valid any more
// into ErrLost. The other parameter of these calls has been checked before, so
// InvalidParameterValue, as Amazon answers for an expired one, means it too.
func lostOr(err error) error {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return err
	}
	code := strings.ToLower(api.ErrorCode())
	for _, s := range []string{"notinflight", "receipthandle", "invalidparametervalue"} {
		if strings.Contains(code, s) {
			return fmt.Errorf("%w: %s", ErrLost, api.ErrorMessage())
		}
	}
	return err
}
