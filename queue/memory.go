package queue

import (
	"bytes"
	"container/heap"
	"context"
	"fmt"
	"sync"
	"time"
)

// MemoryOptions are the options of NewMemory; the zero value is usable.
type MemoryOptions struct {
	// Limit is how often a message is delivered before it goes to the dead
	// letters; 0 means for ever.
	Limit int
	// Poll is how long Receive waits for a first message; 0 means 20 s, as
	// long as SQS can.
	Poll time.Duration
}

// Memory is a Queue in this process. It runs no goroutine of its own and reads
// time only from package time, so a test in a testing/synctest bubble decides
// what time it is. Its messages end with the process: who sent them must be
// able to send them again.
type Memory struct {
	poll  time.Duration
	limit int
	dead  *Memory // nil: no limit

	mu     sync.Mutex
	items  itemHeap
	seq    int64
	wake   chan struct{} // closed and replaced when a receiver may have to look again
	closed bool
}

// NewMemory returns an empty queue.
func NewMemory(o MemoryOptions) *Memory {
	if o.Poll == 0 {
		o.Poll = 20 * time.Second
	}
	m := &Memory{poll: o.Poll, limit: o.Limit, wake: make(chan struct{})}
	if o.Limit > 0 {
		m.dead = NewMemory(MemoryOptions{Poll: o.Poll})
	}
	return m
}

// item is a message in the heap, leased or not.
type item struct {
	body       []byte
	visible    time.Time // hidden until then
	seq        int64     // breaks ties, so that messages come out as they went in
	deliveries int
	lease      *memoryLease // who holds it; its time may have run out
	index      int          // in the heap; -1 when removed
}

// Send implements Queue.
func (m *Memory) Send(ctx context.Context, body []byte, delay time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := checkSend(body, delay); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return ErrClosed
	}
	m.push(&item{body: bytes.Clone(body), visible: time.Now().Add(delay)})
	return nil
}

// push adds an item and tells the receivers. m.mu is held.
func (m *Memory) push(it *item) {
	m.seq++
	it.seq = m.seq
	heap.Push(&m.items, it)
	m.changed()
}

// changed makes every waiting Receive look again. m.mu is held.
func (m *Memory) changed() {
	close(m.wake)
	m.wake = make(chan struct{})
}

// Receive implements Queue.
func (m *Memory) Receive(ctx context.Context, max int, visibility time.Duration) ([]Lease, error) {
	if err := checkReceive(max, visibility); err != nil {
		return nil, err
	}
	end := time.Now().Add(m.poll)
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		leases, next, wake, err := m.take(max, visibility)
		if err != nil || len(leases) > 0 {
			return leases, err
		}
		wait := time.Until(end)
		if wait <= 0 {
			return nil, nil
		}
		if !next.IsZero() {
			wait = min(wait, time.Until(next))
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-wake:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// take leases what is visible now. When that is nothing it returns when the
// next message becomes visible (zero: none is waiting) and the channel that is
// closed when that may have changed.
func (m *Memory) take(max int, visibility time.Duration) ([]Lease, time.Time, chan struct{}, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil, time.Time{}, nil, ErrClosed
	}
	var leases []Lease
	now := time.Now()
	for len(m.items) > 0 && len(leases) < max {
		it := m.items[0]
		if it.visible.After(now) {
			break
		}
		if m.dead != nil && it.deliveries >= m.limit {
			heap.Pop(&m.items)
			m.dead.bury(it.body)
			continue
		}
		it.deliveries++
		it.visible = now.Add(visibility)
		l := &memoryLease{queue: m, item: it, deliveries: it.deliveries}
		it.lease = l
		heap.Fix(&m.items, 0)
		leases = append(leases, l)
	}
	var next time.Time
	if len(m.items) > 0 {
		next = m.items[0].visible
	}
	return leases, next, m.wake, nil
}

// bury takes a message that another queue has given up.
func (m *Memory) bury(body []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.closed {
		m.push(&item{body: body, visible: time.Now()})
	}
}

// Depth implements Queue.
func (m *Memory) Depth(ctx context.Context) (visible, leased int, err error) {
	if err := ctx.Err(); err != nil {
		return 0, 0, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return 0, 0, ErrClosed
	}
	now := time.Now()
	for _, it := range m.items {
		switch {
		case !it.visible.After(now):
			visible++
		case it.lease != nil:
			leased++
		}
	}
	return visible, leased, nil
}

// DeadLetters implements DeadLettered. It is closed with m.
func (m *Memory) DeadLetters() Queue {
	if m.dead == nil {
		return nil
	}
	return m.dead
}

// Close implements Closer. The messages are dropped.
func (m *Memory) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil
	}
	m.closed = true
	m.items = nil
	m.changed()
	if m.dead != nil {
		return m.dead.Close()
	}
	return nil
}

// memoryLease is one reception of an item. Its fields do not change; whether
// it is still held is in the item, under the queue's lock.
type memoryLease struct {
	queue      *Memory
	item       *item
	deliveries int
}

func (l *memoryLease) Body() []byte    { return l.item.body }
func (l *memoryLease) Deliveries() int { return l.deliveries }

// held runs f when the lease is still held, under the queue's lock.
func (l *memoryLease) held(ctx context.Context, f func(now time.Time)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	l.queue.mu.Lock()
	defer l.queue.mu.Unlock()
	if l.queue.closed {
		return ErrClosed
	}
	now := time.Now()
	if l.item.lease != l || !l.item.visible.After(now) {
		return ErrLost
	}
	f(now)
	return nil
}

func (l *memoryLease) Extend(ctx context.Context, visibility time.Duration) error {
	if err := checkVisibility(visibility); err != nil {
		return err
	}
	return l.held(ctx, func(now time.Time) {
		l.item.visible = now.Add(visibility)
		heap.Fix(&l.queue.items, l.item.index)
		l.queue.changed() // the end may have come nearer
	})
}

func (l *memoryLease) Ack(ctx context.Context) error {
	return l.held(ctx, func(time.Time) {
		l.item.lease = nil
		heap.Remove(&l.queue.items, l.item.index)
	})
}

func (l *memoryLease) Nack(ctx context.Context, delay time.Duration) error {
	if delay < 0 || delay > MaxVisibility {
		return fmt.Errorf("queue: nack delay %v, want 0..%v", delay, MaxVisibility)
	}
	return l.held(ctx, func(now time.Time) {
		l.item.lease = nil
		l.item.visible = now.Add(delay)
		heap.Fix(&l.queue.items, l.item.index)
		l.queue.changed()
	})
}

// itemHeap orders items by when they become visible.
type itemHeap []*item

func (h itemHeap) Len() int { return len(h) }
func (h itemHeap) Less(i, j int) bool {
	if !h[i].visible.Equal(h[j].visible) {
		return h[i].visible.Before(h[j].visible)
	}
	return h[i].seq < h[j].seq
}

func (h itemHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *itemHeap) Push(x any) {
	it := x.(*item)
	it.index = len(*h)
	*h = append(*h, it)
}

func (h *itemHeap) Pop() any {
	last := len(*h) - 1
	it := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	it.index = -1
	return it
}
