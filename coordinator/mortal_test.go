package coordinator

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/choirless/render/bucket"
	"github.com/choirless/render/definition"
	"github.com/choirless/render/queue"
	"github.com/choirless/render/store"
)

// errDead is what a killed process gets from the world: nothing any more.
var errDead = errors.New("test: killed")

// life is the life of a coordinator that is killed at its at-th transaction, put
// or send: before it (nobody ever hears of it) or after it (it has happened, but
// the coordinator does not live to see it). From then on it changes nothing.
type life struct {
	mu    sync.Mutex
	n     int
	at    int
	after bool
	died  chan struct{}
	last  string // what it died in
}

func newLife(at int, after bool) *life { return &life{at: at, after: after, died: make(chan struct{})} }

func (l *life) dead() bool {
	select {
	case <-l.died:
		return true
	default:
		return false
	}
}

// act does f unless that is when or after the coordinator dies. Deeds of one life
// come one after the other.
func act[T any](l *life, what string, f func() (T, error)) (T, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var zero T
	if l.dead() {
		return zero, errDead
	}
	l.n++
	if l.n != l.at {
		return f()
	}
	if l.after {
		if _, err := f(); err != nil {
			l.at++ // it was refused anyway: die at the next
			return zero, err
		}
	}
	l.last = what
	close(l.died)
	return zero, errDead
}

func do(l *life, what string, f func() error) error {
	_, err := act(l, what, func() (struct{}, error) { return struct{}{}, f() })
	return err
}

// mortalStore is a store as a coordinator of that life sees it.
type mortalStore struct {
	store.Store
	*life
}

func (m mortalStore) Uploaded(ctx context.Context, u store.Upload) (bool, error) {
	return act(m.life, "Uploaded", func() (bool, error) { return m.Store.Uploaded(ctx, u) })
}

// A claim that finds nothing is no deed: it would only count the polls.
func (m mortalStore) ClaimSong(ctx context.Context, owner string, lease time.Duration) (store.SongClaim, error) {
	if m.dead() {
		return store.SongClaim{}, errDead
	}
	c, err := m.Store.ClaimSong(ctx, owner, lease)
	if err != nil {
		return c, err
	}
	return act(m.life, "ClaimSong", func() (store.SongClaim, error) { return c, nil })
}

func (m mortalStore) SaveAlignment(ctx context.Context, c store.SongClaim, from string, found []store.Alignment) error {
	return do(m.life, "SaveAlignment", func() error { return m.Store.SaveAlignment(ctx, c, from, found) })
}

func (m mortalStore) SongPlanned(ctx context.Context, c store.SongClaim, problem string) error {
	return do(m.life, "SongPlanned", func() error { return m.Store.SongPlanned(ctx, c, problem) })
}

func (m mortalStore) ReleaseSong(ctx context.Context, c store.SongClaim, delay time.Duration) error {
	return do(m.life, "ReleaseSong", func() error { return m.Store.ReleaseSong(ctx, c, delay) })
}

func (m mortalStore) ExtendSong(ctx context.Context, c store.SongClaim, lease time.Duration) error {
	if m.dead() {
		return errDead
	}
	return m.Store.ExtendSong(ctx, c, lease)
}

func (m mortalStore) AddRender(ctx context.Context, n store.NewRender) (store.Render, bool, error) {
	var fresh bool
	r, err := act(m.life, "AddRender", func() (r store.Render, err error) {
		r, fresh, err = m.Store.AddRender(ctx, n)
		return r, err
	})
	return r, fresh, err
}

func (m mortalStore) ClaimRender(ctx context.Context, owner string, lease time.Duration, s ...store.RenderState) (store.Render, error) {
	if m.dead() {
		return store.Render{}, errDead
	}
	r, err := m.Store.ClaimRender(ctx, owner, lease, s...)
	if err != nil {
		return r, err
	}
	return act(m.life, "ClaimRender "+string(r.State), func() (store.Render, error) { return r, nil })
}

func (m mortalStore) ExtendRender(ctx context.Context, c store.Claim, lease time.Duration) error {
	if m.dead() {
		return errDead
	}
	return m.Store.ExtendRender(ctx, c, lease)
}

func (m mortalStore) ReleaseRender(ctx context.Context, c store.Claim, delay time.Duration, reason string) (int, error) {
	return act(m.life, "ReleaseRender", func() (int, error) { return m.Store.ReleaseRender(ctx, c, delay, reason) })
}

func (m mortalStore) PlanRender(ctx context.Context, c store.Claim, p store.Planned) error {
	return do(m.life, "PlanRender", func() error { return m.Store.PlanRender(ctx, c, p) })
}

func (m mortalStore) StackRender(ctx context.Context, c store.Claim, add []store.NewTask) error {
	return do(m.life, "StackRender", func() error { return m.Store.StackRender(ctx, c, add) })
}

func (m mortalStore) RenderPercent(ctx context.Context, c store.Claim, p float64) error {
	return do(m.life, "RenderPercent", func() error { return m.Store.RenderPercent(ctx, c, p) })
}

func (m mortalStore) FinishRender(ctx context.Context, c store.Claim, out json.RawMessage, w []store.Warning) error {
	return do(m.life, "FinishRender", func() error { return m.Store.FinishRender(ctx, c, out, w) })
}

func (m mortalStore) FailRender(ctx context.Context, c store.Claim, reason string) error {
	return do(m.life, "FailRender", func() error { return m.Store.FailRender(ctx, c, reason) })
}

func (m mortalStore) RefinishRender(ctx context.Context, run string) error {
	return do(m.life, "RefinishRender", func() error { return m.Store.RefinishRender(ctx, run) })
}

func (m mortalStore) TaskNews(ctx context.Context, n store.News) (bool, error) {
	return act(m.life, "TaskNews", func() (bool, error) { return m.Store.TaskNews(ctx, n) })
}

func (m mortalStore) CompleteTask(ctx context.Context, d store.Done) (bool, error) {
	return act(m.life, "CompleteTask", func() (bool, error) { return m.Store.CompleteTask(ctx, d) })
}

func (m mortalStore) FailTask(ctx context.Context, f store.Failure) (store.Verdict, error) {
	return act(m.life, "FailTask", func() (store.Verdict, error) { return m.Store.FailTask(ctx, f) })
}

func (m mortalStore) RedoTasks(ctx context.Context, id definition.Song, keys ...string) error {
	if m.dead() {
		return errDead
	}
	return m.Store.RedoTasks(ctx, id, keys...)
}

func (m mortalStore) Sweep(ctx context.Context, s store.Sweep) (store.Swept, error) {
	if m.dead() {
		return store.Swept{}, errDead
	}
	return m.Store.Sweep(ctx, s)
}

func (m mortalStore) Outgoing(ctx context.Context, limit, window int, lease time.Duration) ([]store.Message, error) {
	if m.dead() {
		return nil, errDead
	}
	// Shorter than in life, so that a message its sender died with is soon sent.
	out, err := m.Store.Outgoing(ctx, limit, window, 300*time.Millisecond)
	if err != nil || len(out) == 0 {
		return out, err
	}
	return act(m.life, "Outgoing", func() ([]store.Message, error) { return out, nil })
}

func (m mortalStore) Sent(ctx context.Context, sent []store.Message) error {
	return do(m.life, "Sent", func() error { return m.Store.Sent(ctx, sent) })
}

// mortalBucket lets a dead coordinator put nothing.
type mortalBucket struct {
	bucket.Bucket
	*life
	role string
}

func (m mortalBucket) Put(ctx context.Context, key string, r io.Reader, o bucket.PutOptions) (bucket.Info, error) {
	return act(m.life, "Put "+m.role, func() (bucket.Info, error) { return m.Bucket.Put(ctx, key, r, o) })
}

// mortalQueue lets a dead coordinator send, receive and settle nothing.
type mortalQueue struct {
	queue.Queue
	*life
}

func (m mortalQueue) Send(ctx context.Context, body []byte, delay time.Duration) error {
	return do(m.life, "Send", func() error { return m.Queue.Send(ctx, body, delay) })
}

func (m mortalQueue) Receive(ctx context.Context, limit int, visibility time.Duration) ([]queue.Lease, error) {
	if m.dead() {
		<-ctx.Done()
		return nil, errDead
	}
	// Likewise: what it received and did not settle is soon received again.
	leases, err := m.Queue.Receive(ctx, limit, time.Second)
	for i, l := range leases {
		leases[i] = mortalLease{l, m.life}
	}
	return leases, err
}

type mortalLease struct {
	queue.Lease
	*life
}

func (m mortalLease) Ack(ctx context.Context) error {
	return do(m.life, "Ack", func() error { return m.Lease.Ack(ctx) })
}

func (m mortalLease) Nack(ctx context.Context, delay time.Duration) error {
	if m.dead() {
		return errDead
	}
	return m.Lease.Nack(ctx, delay)
}

// mortal is the configuration of a coordinator that lives that life.
func (l *life) mortal(cfg Config) Config {
	cfg.Store = mortalStore{cfg.Store, l}
	buckets := bucket.Buckets{}
	for role, b := range cfg.Buckets {
		buckets[role] = mortalBucket{b, l, role}
	}
	cfg.Buckets = buckets
	cfg.Events, cfg.Assignments, cfg.Reports = mortalQueue{cfg.Events, l}, mortalQueue{cfg.Assignments, l}, mortalQueue{cfg.Reports, l}
	return cfg
}

// slowStore makes the finish last until it is interrupted.
type slowStore struct {
	store.Store
	begun func()
}

func (s slowStore) RenderPercent(ctx context.Context, c store.Claim, p float64) error {
	s.begun()
	<-ctx.Done()
	return context.Cause(ctx)
}
