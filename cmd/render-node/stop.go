package main

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/choirless/render/internal/health"
	"github.com/choirless/render/internal/spot"
	"github.com/choirless/render/node"
)

// service is a node with what stops it, which is one of three:
//
//   - asked to stop: it drains, that is takes no more and ends what it has begun,
//     for as long as drain says, and hands back what is left;
//   - its machine is about to be taken away: it hands everything back at once, since
//     work that is cut off would wait for its lease to run out;
//   - its machine is at risk: it drains for as long as it lasts, and ends, for a
//     machine that lasts longer to take its place.
//
// While it drains it answers /readyz with 503; /healthz and /metrics to the end.
type service struct {
	node     *node.Node
	drain    time.Duration
	log      *slog.Logger
	spot     *spot.Watcher // nil: none
	listener net.Listener  // nil: none
	handler  http.Handler
}

// run works until ctx ends or the machine does.
func (s *service) run(ctx context.Context) error {
	work, handBack := context.WithCancel(context.WithoutCancel(ctx))
	serving, ended := context.WithCancel(work)
	defer handBack()
	defer ended()
	g := errgroup.Group{}
	g.Go(func() error {
		defer ended()
		return s.node.Run(work)
	})
	g.Go(func() error {
		select {
		case <-serving.Done():
			return nil
		case <-ctx.Done():
		}
		s.log.Info("asked to stop", "drain", s.drain)
		s.node.Drain()
		select {
		case <-time.After(s.drain):
			handBack()
		case <-serving.Done():
		}
		return nil
	})
	if s.spot != nil {
		g.Go(func() error {
			s.spot.Watch(serving, func(n spot.Notice) {
				s.log.Warn("this machine is about to go", "action", n.Action, "time", n.Time, "final", n.Final)
				s.node.Drain()
				if n.Final {
					handBack()
				}
			})
			return nil
		})
	}
	if s.listener != nil {
		g.Go(func() error {
			err := health.ServeListener(serving, s.listener, s.handler)
			if err != nil {
				handBack()
			}
			return err
		})
	}
	return g.Wait()
}
