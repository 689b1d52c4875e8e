// Package queuetest holds every queue.Queue to the contract: the cases are
// the numbered list of its doc comment.
package queuetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/choirless/render/queue"
)

// Options say what a suite run is to open and how.
type Options struct {
	// Open returns a new, empty queue with that limit on deliveries (0: none),
	// closed by the suite.
	Open func(t *testing.T, limit int) queue.Queue
	// Virtual runs the cases in bubbles of virtual time, for a queue that waits
	// on package time only; otherwise they run beside each other.
	Virtual bool
	// Poll is how long the queue's Receive waits for a first message at most.
	Poll time.Duration
}

// visibility of most leases here: long enough for a busy machine to do a few
// things in, short enough to wait for its end.
const visibility = 3 * time.Second

// Run runs the suite.
func Run(t *testing.T, o Options) {
	cases := []struct {
		name  string
		limit int
		run   func(*suite)
	}{
		{"01 sent is received", 0, received},
		{"01 many receivers get all", 0, shared},
		{"01 delayed is received later", 0, delayed},
		{"02 received is hidden", 0, hidden},
		{"03 extend keeps", 0, extended},
		{"03 run out is lost", 0, lost},
		{"04 ack removes", 0, acked},
		{"05 nack returns", 0, nacked},
		{"06 deliveries count", 0, deliveries},
		{"07 dead letters", 2, dead},
		{"07 no limit", 0, unlimited},
		{"09 cancelled receive swallows nothing", 0, cancelled},
		{"09 receive gives up after its poll time", 0, empty},
		{"10 close", 2, closed},
		{"bounds", 0, bounds},
		{"depth", 0, depth},
		{"hold", 0, held},
	}
	for _, c := range cases {
		t.Run(strings.ReplaceAll(c.name, " ", "_"), func(t *testing.T) {
			body := func(t *testing.T) {
				q := o.Open(t, c.limit)
				defer func() {
					if err := q.(queue.Closer).Close(); err != nil {
						t.Errorf("close: %v", err)
					}
				}()
				c.run(&suite{T: t, q: q, o: o, ctx: t.Context()})
			}
			if o.Virtual {
				synctest.Test(t, body)
				return
			}
			t.Parallel()
			body(t)
		})
	}
}

// suite is one case under way.
type suite struct {
	*testing.T
	q   queue.Queue
	o   Options
	ctx context.Context
}

func (s *suite) send(body string) {
	s.Helper()
	if err := s.q.Send(s.ctx, []byte(body), 0); err != nil {
		s.Fatalf("send: %v", err)
	}
}

// one receives one message, polling until it comes.
func (s *suite) one(v time.Duration) queue.Lease {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.ctx, 30*time.Second)
	defer cancel()
	for {
		leases, err := s.q.Receive(ctx, 1, v)
		if err != nil {
			s.Fatalf("receive: %v", err)
		}
		if len(leases) == 1 {
			return leases[0]
		}
	}
}

// none fails when a message is visible now or becomes so while one Receive
// may wait.
func (s *suite) none(when string) {
	s.Helper()
	leases, err := s.q.Receive(s.ctx, 1, time.Second)
	if err != nil {
		s.Fatalf("receive: %v", err)
	}
	if len(leases) > 0 {
		s.Fatalf("%s: received %q again", when, leases[0].Body())
	}
}

func (s *suite) do(what string, err error) {
	s.Helper()
	if err != nil {
		s.Fatalf("%s: %v", what, err)
	}
}

func (s *suite) is(what string, err, want error) {
	s.Helper()
	if !errors.Is(err, want) {
		s.Errorf("%s: %v, want %v", what, err, want)
	}
}

func received(s *suite) {
	for _, body := range []string{
		`{"key":"choir+song+part.webm"}`, "tab\tline\nend", "ü 🎵 <&>\"'", strings.Repeat("x", queue.MaxBody),
	} {
		s.send(body)
		l := s.one(visibility)
		if got := string(l.Body()); got != body {
			s.Errorf("received %.40q, want %.40q", got, body)
		}
		s.do("ack", l.Ack(s.ctx))
	}
	// Together they are more than one request may hold.
	big := []byte(strings.Repeat("x", queue.MaxBody/2+1))
	s.do("send all", queue.SendAll(s.ctx, s.q, [][]byte{big, big, big}))
	for range 3 {
		s.do("ack", s.one(visibility).Ack(s.ctx))
	}
}

// shared has several receivers empty a queue, each message once, since no
// lease runs out.
func shared(s *suite) {
	const messages, receivers = 120, 4
	var bodies [][]byte
	for i := range messages {
		bodies = append(bodies, fmt.Appendf(nil, "%d", i))
	}
	s.do("send all", queue.SendAll(s.ctx, s.q, bodies))
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	var mu sync.Mutex
	seen := map[string]int{}
	var wg sync.WaitGroup
	for range receivers {
		wg.Go(func() {
			for ctx.Err() == nil {
				leases, err := s.q.Receive(ctx, queue.MaxBatch, time.Minute)
				if err != nil && ctx.Err() == nil {
					s.Errorf("receive: %v", err)
					return
				}
				if err := queue.AckAll(s.ctx, leases); err != nil {
					s.Errorf("ack all: %v", err)
				}
				for _, l := range leases {
					s.is("ack after ack all", l.Ack(s.ctx), queue.ErrLost)
					mu.Lock()
					seen[string(l.Body())]++
					if len(seen) == messages {
						cancel()
					}
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	for body, n := range seen {
		if n != 1 {
			s.Errorf("message %s received %d times", body, n)
		}
	}
}

func delayed(s *suite) {
	began := time.Now()
	s.do("send", s.q.Send(s.ctx, []byte("later"), 2*time.Second))
	if visible, leased, err := s.q.Depth(s.ctx); err != nil || visible+leased != 0 {
		s.Errorf("depth %d visible, %d leased, %v; want 0, 0", visible, leased, err)
	}
	s.one(visibility)
	// Servers count in whole seconds from somewhere inside the first.
	if d := time.Since(began); d < time.Second {
		s.Errorf("received after %v, want about 2s", d)
	}
}

// cancelled gives up one Receive after the other at odd moments while messages
// come in. Every lease is for a minute, so one that was swallowed would be
// missed.
func cancelled(s *suite) {
	const messages = 6
	got := map[string]bool{}
	take := func(ctx context.Context) error {
		leases, err := s.q.Receive(ctx, 1, time.Minute)
		for _, l := range leases {
			got[string(l.Body())] = true
			s.do("ack", l.Ack(s.ctx))
		}
		return err
	}
	for i := range messages {
		ctx, cancel := context.WithCancel(s.ctx)
		stop := time.AfterFunc(time.Duration(50+i*10)*time.Millisecond, cancel)
		began := time.Now()
		if err := take(ctx); err != nil && !errors.Is(err, context.Canceled) {
			s.Fatalf("receive: %v", err)
		}
		if d := time.Since(began); d > 20*time.Second {
			s.Errorf("cancelled receive returned after %v", d)
		}
		stop.Stop()
		cancel()
		s.send(fmt.Sprint(i))
	}
	ctx, cancel := context.WithTimeout(s.ctx, 40*time.Second)
	defer cancel()
	for len(got) < messages {
		if err := take(ctx); err != nil {
			s.Fatalf("%d of %d messages received: %v", len(got), messages, err)
		}
	}
}

func empty(s *suite) {
	began := time.Now()
	leases, err := s.q.Receive(s.ctx, 1, visibility)
	if len(leases) > 0 || err != nil {
		s.Errorf("receive from an empty queue: %d messages, %v", len(leases), err)
	}
	if d := time.Since(began); d < s.o.Poll/2 || d > s.o.Poll+20*time.Second {
		s.Errorf("receive waited %v, want %v", d, s.o.Poll)
	}
}

func closed(s *suite) {
	waited := make(chan error, 1)
	go func() {
		_, err := s.q.Receive(s.ctx, 1, visibility)
		waited <- err
	}()
	time.Sleep(50 * time.Millisecond)
	s.do("close", s.q.(queue.Closer).Close())
	s.do("close again", s.q.(queue.Closer).Close())
	s.is("waiting receive", <-waited, queue.ErrClosed)
	_, err := s.q.Receive(s.ctx, 1, visibility)
	s.is("receive", err, queue.ErrClosed)
	s.is("send", s.q.Send(s.ctx, []byte("a"), 0), queue.ErrClosed)
	_, _, err = s.q.Depth(s.ctx)
	s.is("depth", err, queue.ErrClosed)
	_, err = queue.Dead(s.ctx, s.q)
	s.is("dead letters", err, queue.ErrClosed)
}

// bounds are refused before anything is sent anywhere.
func bounds(s *suite) {
	for _, body := range []string{"", strings.Repeat("x", queue.MaxBody+1), "nul\x00", "bell\a", "\xff", "\uFFFE"} {
		if s.q.Send(s.ctx, []byte(body), 0) == nil {
			s.Errorf("sent a body of %d bytes, %.8q", len(body), body)
		}
	}
	for _, d := range []time.Duration{-1, queue.MaxDelay + 1} {
		if s.q.Send(s.ctx, []byte("a"), d) == nil {
			s.Errorf("sent with a delay of %v", d)
		}
	}
	for _, max := range []int{-1, 0, queue.MaxBatch + 1} {
		if _, err := s.q.Receive(s.ctx, max, visibility); err == nil {
			s.Errorf("received up to %d", max)
		}
	}
	for _, v := range []time.Duration{0, -time.Second, time.Millisecond, 1500 * time.Millisecond, queue.MaxVisibility + time.Second} {
		if _, err := s.q.Receive(s.ctx, 1, v); err == nil {
			s.Errorf("received with visibility %v", v)
		}
	}
	s.send("a")
	l := s.one(time.Minute)
	if l.Extend(s.ctx, 0) == nil || l.Nack(s.ctx, -1) == nil {
		s.Error("extended to 0 or handed back with a negative delay")
	}
	s.do("ack after refused calls", l.Ack(s.ctx))
}

func depth(s *suite) {
	for range 3 {
		s.send("a")
	}
	l := s.one(time.Minute)
	if visible, leased, err := s.q.Depth(s.ctx); err != nil || visible != 2 || leased != 1 {
		s.Errorf("depth %d visible, %d leased, %v; want 2, 1", visible, leased, err)
	}
	s.do("ack", l.Ack(s.ctx))
	if visible, leased, err := s.q.Depth(s.ctx); err != nil || visible != 2 || leased != 0 {
		s.Errorf("depth %d visible, %d leased, %v; want 2, 0", visible, leased, err)
	}
}

// held works for longer than the visibility time of its lease.
