package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// SQS is a Queue on a server that speaks the protocol of Amazon SQS.
//
// Whether a lease is held is judged by this machine's clock, not by the
// server's answers: servers accept an extension of a lease that ran out, and an
// answer can be lost. The limit on deliveries is the queue's redrive policy on
// the server; the dead letters are the queue it names.
type SQS struct {
	client *sqs.Client
	name   string
	url    string
	poll   time.Duration
	dead   *SQS

	mu     sync.Mutex // guards closed and the start of polls against Close
	closed bool
	done   chan struct{} // closed by Close
	polls  sync.WaitGroup
}

// attributes of messages and queues that are asked for.
var (
	messageAttributes = []types.MessageSystemAttributeName{types.MessageSystemAttributeNameApproximateReceiveCount}
	depthAttributes   = []types.QueueAttributeName{
		types.QueueAttributeNameApproximateNumberOfMessages,
		types.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
	}
)

// Name returns the queue's name.
func (q *SQS) Name() string { return q.name }

// Send implements Queue. A delay is rounded up to whole seconds.
func (q *SQS) Send(ctx context.Context, body []byte, delay time.Duration) error {
	if err := checkSend(body, delay); err != nil {
		return err
	}
	if q.isClosed() {
		return ErrClosed
	}
	_, err := q.client.SendMessage(ctx, &sqs.SendMessageInput{
		QueueUrl:     &q.url,
		MessageBody:  aws.String(string(body)),
		DelaySeconds: seconds(delay),
	})
	return q.wrap("send", err)
}

// SendAll implements sendAller: ten messages to a request, in one after the
// other, so that an error leaves a known beginning sent at least.
func (q *SQS) SendAll(ctx context.Context, bodies [][]byte) error {
	for _, b := range bodies {
		if err := checkSend(b, 0); err != nil {
			return err
		}
	}
	if q.isClosed() {
		return ErrClosed
	}
	for len(bodies) > 0 {
		var entries []types.SendMessageBatchRequestEntry
		size := 0
		for i, b := range bodies {
			// The bound on a body is also that on all bodies of a request.
			if size += len(b); i == MaxBatch || size > MaxBody {
				break
			}
			entries = append(entries, types.SendMessageBatchRequestEntry{
				Id: aws.String(strconv.Itoa(i)), MessageBody: aws.String(string(b)),
			})
		}
		out, err := q.client.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: &q.url, Entries: entries})
		if err != nil {
			return q.wrap("send", err)
		}
		if len(out.Failed) > 0 {
			f := out.Failed[0]
			return q.wrap("send", fmt.Errorf("%d of %d messages refused, the first with %s: %s",
				len(out.Failed), len(entries), aws.ToString(f.Code), aws.ToString(f.Message)))
		}
		if len(out.Successful) != len(entries) {
			return q.wrap("send", fmt.Errorf("server took %d of %d messages", len(out.Successful), len(entries)))
		}
		bodies = bodies[len(entries):]
	}
	return nil
}

// Receive implements Queue.
//
// A long poll whose connection breaks may take a message with it: the server
// hides it for the whole visibility time though nobody has it. So a poll always
// runs to its end, at most the poll time; when its caller has gone, what it
// brought is handed back at once, and Close waits for it. A poll that failed is not
// repeated for a caller who has gone, and one that is not answered in time is given
// up: such a server has handed out nothing.
func (q *SQS) Receive(ctx context.Context, max int, visibility time.Duration) ([]Lease, error) {
	if err := checkReceive(max, visibility); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		return nil, ErrClosed
	}
	q.polls.Add(1)
	q.mu.Unlock()

	type answer struct {
		leases []Lease
		err    error
	}
	polling, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	var taken atomic.Bool // by the poll for its caller, or by the caller who left
	answers := make(chan answer, 1)
	go func() {
		defer q.polls.Done()
		defer giveUp()
		leases, err := q.pollUntil(ctx, polling, max, visibility)
		if taken.CompareAndSwap(false, true) {
			answers <- answer{leases, err}
			return
		}
		q.handBack(context.WithoutCancel(ctx), leases)
	}()

	var left error
	select {
	case a := <-answers:
		return a.leases, a.err
	case <-ctx.Done():
		left = ctx.Err()
	case <-q.done:
		left = ErrClosed
	}
	time.AfterFunc(q.poll+answerTime, giveUp)
	if taken.CompareAndSwap(false, true) {
		return nil, left
	}
	a := <-answers // came at the same moment: messages win over the reason to leave
	if len(a.leases) > 0 {
		return a.leases, nil
	}
	return nil, left
}

// answerTime is how much longer than the poll time the answer to a poll may take that
// nobody waits for.
const answerTime = 2 * time.Second

// pollUntil makes long polls until one is answered, waiting for a server that is away
// as other requests do, or until the caller has gone. The client would go on repeating
// a request that may not be cancelled for half a minute, and so long would a service
// take to stop. ctx is the caller's, polling that of the requests.
func (q *SQS) pollUntil(ctx, polling context.Context, max int, visibility time.Duration) ([]Lease, error) {
	retryer := q.client.Options().Retryer
	for attempt := 1; ; attempt++ {
		leases, err := q.pollOnce(polling, max, visibility)
		if err == nil || attempt >= retryer.MaxAttempts() || !retryer.IsErrorRetryable(err) {
			return leases, err
		}
		delay, derr := retryer.RetryDelay(attempt, err)
		if derr != nil {
			return nil, errors.Join(err, derr)
		}
		timer := time.NewTimer(delay)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, err
		case <-q.done:
			timer.Stop()
			return nil, err
		}
	}
}

// pollOnce makes one long poll, once.
func (q *SQS) pollOnce(ctx context.Context, max int, visibility time.Duration) ([]Lease, error) {
	ctx, cancel := context.WithTimeout(ctx, q.poll+time.Minute)
	defer cancel()
	out, err := q.client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl:                    &q.url,
		MaxNumberOfMessages:         int32(max),
		VisibilityTimeout:           int32(visibility / time.Second),
		WaitTimeSeconds:             int32(q.poll / time.Second),
		MessageSystemAttributeNames: messageAttributes,
	}, func(o *sqs.Options) { o.Retryer = aws.NopRetryer{} })
	if err != nil {
		return nil, q.wrap("receive", err)
	}
	// The server's clock for these leases started when it sent them. A tenth
	// is left for the way here.
	until := time.Now().Add(visibility - visibility/10)
	leases := make([]Lease, len(out.Messages))
	for i, m := range out.Messages {
		n, err := strconv.Atoi(m.Attributes[string(types.MessageSystemAttributeNameApproximateReceiveCount)])
		if err != nil || n < 1 {
			n = 1
		}
		leases[i] = &sqsLease{
			queue: q, body: []byte(aws.ToString(m.Body)),
			receipt: aws.ToString(m.ReceiptHandle), deliveries: n, until: until,
		}
	}
	return leases, nil
}

// handBack makes messages visible that nobody is waiting for any more. When
// that fails they come back by themselves after their visibility time.
func (q *SQS) handBack(ctx context.Context, leases []Lease) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	for _, l := range leases {
		_ = l.Nack(ctx, 0)
	}
}

// Depth implements Queue.
func (q *SQS) Depth(ctx context.Context) (visible, leased int, err error) {
	if q.isClosed() {
		return 0, 0, ErrClosed
	}
	out, err := q.client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: &q.url, AttributeNames: depthAttributes,
	})
	if err != nil {
		return 0, 0, q.wrap("depth", err)
	}
	visible, err1 := strconv.Atoi(out.Attributes[string(depthAttributes[0])])
	leased, err2 := strconv.Atoi(out.Attributes[string(depthAttributes[1])])
	return visible, leased, q.wrap("depth", errors.Join(err1, err2))
}

// DeadLetters implements DeadLettered: the queue of the redrive policy, nil
// when there is none or this process may not see it. It is closed with q.
func (q *SQS) DeadLetters() Queue {
	if q.dead == nil {
		return nil
	}
	return q.dead
}

// Close implements Closer. It waits for polls under way, at most the poll time and
// answerTime.
func (q *SQS) Close() error {
	q.mu.Lock()
	if !q.closed {
		q.closed = true
		close(q.done)
	}
	q.mu.Unlock()
	q.polls.Wait()
	if q.dead != nil {
		return q.dead.Close()
	}
	return nil
}

func (q *SQS) isClosed() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.closed
}

func (q *SQS) wrap(op string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("queue %s: %s: %w", q.name, op, err)
}

// seconds rounds up to the server's unit.
func seconds(d time.Duration) int32 {
	return int32((d + time.Second - 1) / time.Second)
}

// redrive is the RedrivePolicy attribute of a queue.
type redrive struct {
	Target string      `json:"deadLetterTargetArn"`
	Limit  json.Number `json:"maxReceiveCount"`
}
