package queue_test

import (
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"github.com/choirless/render/internal/testserver"
	"github.com/choirless/render/queue"
	"github.com/choirless/render/queue/queuetest"
)

// dialSQS connects to a test server.
func dialSQS(t *testing.T) *queue.SQSServer {
	t.Helper()
	server, err := queue.DialSQS(t.Context(), queue.SQSOptions{
		Endpoint: testserver.Fauxqs(t), Region: "us-east-1", AccessKey: "test", SecretKey: "test", Poll: time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	return server
}

func TestSQS(t *testing.T) {
	server := dialSQS(t)
	queuetest.Run(t, queuetest.Options{
		Poll: time.Second,
		Open: func(t *testing.T, limit int) queue.Queue {
			q, err := server.Create(t.Context(), "test-"+strings.ToLower(rand.Text()), limit)
			if err != nil {
				t.Fatal(err)
			}
			return q
		},
	})
}

// TestSQSOpen: by name and by address, dead letters found, missing named.
func TestSQSOpen(t *testing.T) {
	server := dialSQS(t)
	made, err := server.Create(t.Context(), "songs", 3)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := server.Create(t.Context(), "songs", 3); err != nil || again.DeadLetters() == nil {
		t.Errorf("create again: %v", err)
	}
	if err := made.Send(t.Context(), []byte("a"), 0); err != nil {
		t.Fatal(err)
	}
	q, err := server.Open(t.Context(), "songs")
	if err != nil {
		t.Fatal(err)
	}
	if q.Name() != "songs" || q.DeadLetters() == nil {
		t.Errorf("opened %q with dead letters %v", q.Name(), q.DeadLetters())
	}
	if visible, _, err := q.Depth(t.Context()); err != nil || visible != 1 {
		t.Errorf("depth %d, %v; want 1", visible, err)
	}
	if _, err := server.Open(t.Context(), "nothing"); err == nil || !strings.Contains(err.Error(), "queue nothing: open:") {
		t.Errorf("open a missing queue: %v", err)
	}
}
