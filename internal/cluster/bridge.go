package cluster

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/choirless/render/queue"
)

// bridge carries MinIO's notifications to the events queue: a hook that sends what
// is posted to it. On Amazon S3 writes into the queue itself. What cannot be sent
// is refused, and MinIO, which keeps its notifications on disk, posts it again.
type bridge struct {
	url    string
	server *http.Server
	done   chan error
	queue  atomic.Pointer[queue.SQS]
	event  func([]byte) [][]byte
}

func newBridge(event func([]byte) [][]byte) (*bridge, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	b := &bridge{url: "http://" + l.Addr().String(), done: make(chan error, 1), event: event}
	b.server = &http.Server{Handler: b, ReadHeaderTimeout: 10 * time.Second}
	go func() { b.done <- b.server.Serve(l) }()
	return b, nil
}

// connect says where to send.
func (b *bridge) connect(q *queue.SQS) { b.queue.Store(q) }

func (b *bridge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, queue.MaxBody+1))
	q := b.queue.Load()
	if err != nil || q == nil {
		http.Error(w, "not now", http.StatusServiceUnavailable)
		return
	}
	if len(body) == 0 {
		return // MinIO asks whether somebody is there
	}
	messages := [][]byte{body}
	if b.event != nil {
		messages = b.event(body)
	}
	ctx, cancel := context.WithTimeout(r.Context(), 10*time.Second)
	defer cancel()
	for _, m := range messages {
		if err := q.Send(ctx, m, 0); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
	}
}

// close ends the hook; a request under way is cut off.
func (b *bridge) close() error {
	err := b.server.Close()
	if serr := <-b.done; !errors.Is(serr, http.ErrServerClosed) {
		err = errors.Join(err, serr)
	}
	if q := b.queue.Load(); q != nil {
		err = errors.Join(err, q.Close())
	}
	return err
}
