package queue_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/choirless/render/queue"
	"github.com/choirless/render/queue/queuetest"
)

func TestMemory(t *testing.T) {
	queuetest.Run(t, queuetest.Options{
		Virtual: true,
		Poll:    2 * time.Second,
		Open: func(t *testing.T, limit int) queue.Queue {
			return queue.NewMemory(queue.MemoryOptions{Limit: limit, Poll: 2 * time.Second})
		},
	})
}

// TestMemoryOrder: not promised, but what is kept of it makes a run of one
// process repeatable: first in, first out, by the time of becoming visible.
func TestMemoryOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := queue.NewMemory(queue.MemoryOptions{})
		for _, m := range []struct {
			body  string
			delay time.Duration
		}{{"4", 3 * time.Second}, {"1", 0}, {"3", time.Second}, {"2", 0}} {
			if err := q.Send(t.Context(), []byte(m.body), m.delay); err != nil {
				t.Fatal(err)
			}
		}
		got := ""
		for len(got) < 4 {
			leases, err := q.Receive(t.Context(), 10, time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			for _, l := range leases {
				got += string(l.Body())
			}
		}
		if got != "1234" {
			t.Errorf("received %s, want 1234", got)
		}
	})
}

// TestMemoryWakes: a Receive that waits sees at once what is sent, handed back,
// or runs out earlier than it was waiting for.
func TestMemoryWakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := queue.NewMemory(queue.MemoryOptions{})
		if err := q.Send(t.Context(), []byte("a"), 0); err != nil {
			t.Fatal(err)
		}
		leases, err := q.Receive(t.Context(), 1, 10*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		time.AfterFunc(time.Second, func() { _ = leases[0].Extend(t.Context(), 2*time.Second) })
		again, err := q.Receive(t.Context(), 1, 10*time.Second)
		if err != nil || len(again) != 1 || time.Since(began) != 3*time.Second {
			t.Fatalf("received %d after %v, %v; want 1 after 3s", len(again), time.Since(began), err)
		}
		time.AfterFunc(time.Second, func() { _ = again[0].Nack(t.Context(), 0) })
		began = time.Now()
		again, err = q.Receive(t.Context(), 1, 10*time.Second)
		if err != nil || len(again) != 1 || time.Since(began) != time.Second {
			t.Fatalf("received %d after %v, %v; want 1 after 1s", len(again), time.Since(began), err)
		}
		if err := q.Close(); err != nil {
			t.Fatal(err)
		}
		if err := again[0].Ack(t.Context()); !errors.Is(err, queue.ErrClosed) {
			t.Errorf("ack on a closed queue: %v, want ErrClosed", err)
		}
	})
}
