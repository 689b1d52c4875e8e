package queuetest

import (
	"context"
	"time"

	"github.com/choirless/render/queue"
)

func hidden(s *suite) {
	s.send("a")
	began := time.Now()
	first := s.one(visibility)
	second := s.one(visibility)
	if d := time.Since(began); d < visibility-time.Second {
		s.Errorf("received again after %v, want %v", d, visibility)
	}
	s.is("ack of the first lease", first.Ack(s.ctx), queue.ErrLost)
	s.do("ack of the second lease", second.Ack(s.ctx))
}

func extended(s *suite) {
	s.send("a")
	l := s.one(2 * time.Second)
	began := time.Now()
	s.do("extend", l.Extend(s.ctx, 6*time.Second))
	for time.Since(began) < 4*time.Second {
		s.none("extended lease")
	}
	s.do("ack", l.Ack(s.ctx))
}

func lost(s *suite) {
	s.send("a")
	l := s.one(time.Second)
	time.Sleep(1100 * time.Millisecond)
	s.is("extend", l.Extend(s.ctx, visibility), queue.ErrLost)
	s.is("ack", l.Ack(s.ctx), queue.ErrLost)
	s.is("nack", l.Nack(s.ctx, 0), queue.ErrLost)
	again := s.one(visibility)
	s.is("ack while another has it", l.Ack(s.ctx), queue.ErrLost)
	s.do("ack", again.Ack(s.ctx))
}

func acked(s *suite) {
	s.send("a")
	l := s.one(time.Second)
	s.do("ack", l.Ack(s.ctx))
	s.is("extend", l.Extend(s.ctx, visibility), queue.ErrLost)
	time.Sleep(1500 * time.Millisecond)
	s.none("acked")
}

func nacked(s *suite) {
	s.send("a")
	l := s.one(time.Minute)
	s.do("nack", l.Nack(s.ctx, 0))
	s.is("ack", l.Ack(s.ctx), queue.ErrLost)
	l = s.one(time.Minute) // long before the minute is over
	began := time.Now()
	s.do("nack", l.Nack(s.ctx, 2*time.Second))
	l = s.one(time.Minute)
	if d := time.Since(began); d < time.Second {
		s.Errorf("received after %v, want about 2s", d)
	}
	s.do("ack", l.Ack(s.ctx))
}

func deliveries(s *suite) {
	s.send("a")
	last := 0
	for i := range 3 {
		l := s.one(visibility)
		if n := l.Deliveries(); n < 1 || n < last || i == 0 && n != 1 {
			s.Errorf("delivery %d counts as %d", i+1, n)
		}
		last = l.Deliveries()
		s.do("nack", l.Nack(s.ctx, 0))
	}
}

func dead(s *suite) {
	s.send("poison")
	for range 2 {
		s.do("nack", s.one(visibility).Nack(s.ctx, 0))
	}
	s.none("given up")
	n, err := queue.Dead(s.ctx, s.q)
	if err != nil || n != 1 {
		s.Fatalf("dead letters: %d, %v; want 1", n, err)
	}
	letters := *s
	letters.q = s.q.(queue.DeadLettered).DeadLetters()
	l := letters.one(visibility)
	if string(l.Body()) != "poison" {
		s.Errorf("dead letter %q, want %q", l.Body(), "poison")
	}
	s.do("ack", l.Ack(s.ctx))
	if n, err := queue.Dead(s.ctx, s.q); err != nil || n != 0 {
		s.Errorf("dead letters after ack: %d, %v; want 0", n, err)
	}
}

func unlimited(s *suite) {
	s.send("a")
	for range 6 {
		s.do("nack", s.one(visibility).Nack(s.ctx, 0))
	}
	s.do("ack", s.one(visibility).Ack(s.ctx))
	if n, err := queue.Dead(s.ctx, s.q); err != nil || n != 0 {
		s.Errorf("dead letters: %d, %v; want 0", n, err)
	}
}

func held(s *suite) {
	s.send("a")
	l := s.one(visibility)
	s.do("hold", queue.Hold(s.ctx, l, visibility, func(ctx context.Context) error {
		for end := time.Now().Add(visibility + 2*time.Second); time.Now().Before(end); {
			s.none("while held")
		}
		return ctx.Err()
	}))
	s.do("ack", l.Ack(s.ctx))
}
