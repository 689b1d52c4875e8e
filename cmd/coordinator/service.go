package main

import (
	"context"
	"net"
	"net/http"

	"golang.org/x/sync/errgroup"

	"github.com/choirless/render/coordinator"
	"github.com/choirless/render/internal/health"
	"github.com/choirless/render/web"
)

// service is a coordinator with its page and checks.
type service struct {
	coord    *coordinator.Coordinator
	pages    web.Config   // without Stopping
	metrics  http.Handler // of GET /metrics
	listener net.Listener // nil: nothing is served
}

// run coordinates until ctx ends and what was begun has ended with it. Everything
// is served until then; meanwhile /readyz is 503.
func (s *service) run(ctx context.Context) error {
	serving, ended := context.WithCancel(context.WithoutCancel(ctx))
	defer ended()
	work, stop := context.WithCancel(ctx)
	defer stop()
	g := errgroup.Group{}
	g.Go(func() error {
		defer ended()
		return s.coord.Run(work)
	})
	if s.listener != nil {
		pages := s.pages
		pages.Stopping = func() bool { return work.Err() != nil }
		mux := http.NewServeMux()
		mux.Handle("/", web.New(pages))
		mux.Handle("GET /metrics", s.metrics)
		g.Go(func() error {
			defer stop()
			return health.ServeListener(serving, s.listener, mux)
		})
	}
	return g.Wait()
}
