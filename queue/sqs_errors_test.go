package queue_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/choirless/render/queue"
)

// scripted is an SQS server that has one message and answers one action with an
// error.
type scripted struct {
	action string
	status int
	code   string
	times  atomic.Int32 // how often; then it answers well
}

func (s *scripted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, action, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	if action == s.action && s.times.Add(-1) >= 0 {
		w.WriteHeader(s.status)
		fmt.Fprintf(w, `{"__type":"com.amazonaws.sqs#%s","message":"as scripted"}`, s.code)
		return
	}
	switch action {
	case "GetQueueUrl":
		fmt.Fprintf(w, `{"QueueUrl":"http://%s/1/q"}`, r.Host)
	case "GetQueueAttributes":
		fmt.Fprint(w, `{"Attributes":{"ApproximateNumberOfMessages":"3","ApproximateNumberOfMessagesNotVisible":"2"}}`)
	case "ReceiveMessage":
		// The sum is the MD5 the SDK checks the body "a message" against.
		fmt.Fprint(w, `{"Messages":[{"MessageId":"1","ReceiptHandle":"r","Body":"a message","MD5OfBody":"70645f4a342b238e21cb034ffde4279b"}]}`)
	default:
		fmt.Fprint(w, `{}`)
	}
}

func openScripted(t *testing.T, s *scripted) (*queue.SQS, error) {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return openAt(t, server.URL)
}

func openAt(t *testing.T, url string) (*queue.SQS, error) {
	t.Helper()
	dialed, err := queue.DialSQS(t.Context(), queue.SQSOptions{Endpoint: url, Region: "r", AccessKey: "a", SecretKey: "b", Poll: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	return dialed.Open(t.Context(), "q")
}

// TestSQSLost: what Amazon and others answer for a receipt that has run out is
// ErrLost; anything else is not, and the lease is still there to try again.
func TestSQSLost(t *testing.T) {
	for _, test := range []struct {
		code string
		lost bool
	}{
		{"ReceiptHandleIsInvalid", true},
		{"MessageNotInflight", true},
		{"AWS.SimpleQueueService.MessageNotInflight", true},
		{"InvalidParameterValue", true},
		{"AccessDenied", false},
		{"QueueDoesNotExist", false},
	} {
		for action, do := range map[string]func(queue.Lease) error{
			"DeleteMessage":           func(l queue.Lease) error { return l.Ack(t.Context()) },
			"ChangeMessageVisibility": func(l queue.Lease) error { return l.Extend(t.Context(), time.Minute) },
		} {
			s := &scripted{action: action, status: http.StatusBadRequest, code: test.code}
			s.times.Store(1)
			q, err := openScripted(t, s)
			if err != nil {
				t.Fatal(err)
			}
			leases, err := q.Receive(t.Context(), 1, time.Minute)
			if err != nil || len(leases) != 1 {
				t.Fatalf("received %d, %v", len(leases), err)
			}
			if err := do(leases[0]); err == nil || errors.Is(err, queue.ErrLost) != test.lost {
				t.Errorf("%s answers %s: %v, want ErrLost: %v", action, test.code, err, test.lost)
			}
			if test.lost {
				continue
			}
			if err := do(leases[0]); err != nil {
				t.Errorf("%s again after %s: %v", action, test.code, err)
			}
		}
	}
}

// TestSQSComesBack: a server that is overloaded for a moment is asked again.
func TestSQSComesBack(t *testing.T) {
	s := &scripted{action: "GetQueueUrl", status: http.StatusServiceUnavailable, code: "ServiceUnavailable"}
	s.times.Store(1)
	q, err := openScripted(t, s)
	if err != nil {
		t.Fatal(err)
	}
	if visible, leased, err := q.Depth(t.Context()); err != nil || visible != 3 || leased != 2 {
		t.Errorf("depth %d, %d, %v; want 3, 2", visible, leased, err)
	}
}

// TestSQSStopsWithoutServer: who leaves while the server is away is not kept by the
// repetitions of his poll.
func TestSQSStopsWithoutServer(t *testing.T) {
	server := httptest.NewServer(&scripted{})
	defer server.Close()
	q, err := openAt(t, server.URL)
	if err != nil {
		t.Fatal(err)
	}
	server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if leases, err := q.Receive(ctx, 1, time.Minute); err == nil {
		t.Fatalf("received %d messages of a server that is away", len(leases))
	}
	closed := make(chan error, 1)
	go func() { closed <- q.Close() }()
	select {
	case err := <-closed:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second): // all repetitions take 25 s at least
		t.Error("the queue is not closed: its poll goes on")
	}
}

// TestSQSStopsWithFrozenServer: a poll that is never answered is given up soon after
// its time.
func TestSQSStopsWithFrozenServer(t *testing.T) {
	frozen, gone := make(chan struct{}, 1), make(chan struct{})
	answers := &scripted{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".ReceiveMessage") {
			answers.ServeHTTP(w, r)
			return
		}
		_, _ = io.Copy(io.Discard, r.Body) // so that the server sees the client leave
		frozen <- struct{}{}
		select {
		case <-r.Context().Done():
		case <-gone:
		}
	}))
	defer server.Close()
	defer close(gone)
	q, err := openAt(t, server.URL)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-frozen; cancel() }()
	if leases, err := q.Receive(ctx, 1, time.Minute); !errors.Is(err, context.Canceled) {
		t.Fatalf("received %d messages of a server that is frozen, %v", len(leases), err)
	}
	closed := make(chan error, 1)
	go func() { closed <- q.Close() }()
	select {
	case err := <-closed:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second): // the client alone would wait 21 s
		t.Error("the queue is not closed: its poll goes on")
	}
}
