package chaos

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/choirless/render/queue"
)

// eventsHook is what becomes of notifications on their way.
type eventsHook struct {
	mu                sync.Mutex
	twice, drop, late bool
	random            *rand.Rand
	queue             queue.Queue
	seen, dropped     int
}

// dropped is the share of notifications that get lost.
const droppedShare = 0.3

func newEventsHook() *eventsHook { return &eventsHook{random: rand.New(rand.NewPCG(1, 1))} }

func (e *eventsHook) connect(q queue.Queue) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.queue = q
}

func (e *eventsHook) set(twice, drop, late bool, seed uint64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.twice, e.drop, e.late, e.random = twice, drop, late, rand.New(rand.NewPCG(seed, 4))
}

// message is Options.Event of the cluster.
func (e *eventsHook) message(body []byte) [][]byte {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.seen++
	if e.drop && e.random.Float64() < droppedShare {
		e.dropped++
		return nil
	}
	all := [][]byte{body}
	if e.twice {
		all = append(all, body)
	}
	if !e.late || e.queue == nil {
		return all
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	for i, m := range all {
		if err := e.queue.Send(ctx, m, time.Duration(e.random.IntN(maxLate+1))*time.Second); err != nil {
			return all[i:] // the bridge reports the same trouble, and is asked again
		}
	}
	return nil
}
