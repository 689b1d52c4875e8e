package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"syscall"
	"time"

	"github.com/choirless/render/internal/servers"
)

// Names returns the names of everything that was started, in that order.
func (c *Cluster) Names() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.order)
}

// URL returns the address of a coordinator's or node's HTTP endpoint, such as
// http://127.0.0.1:4711, the same over restarts.
func (c *Cluster) URL(name string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.urls[name]
}

// Log returns the path of a process's log, which grows over restarts.
func (c *Cluster) Log(name string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.servers[name].Log
}

// Running tells whether a process runs; a frozen one does.
func (c *Cluster) Running(name string) bool {
	p, err := c.process(name)
	return err == nil && p.Running()
}

// Pid returns a process's id, 0 when there is none of that name.
func (c *Cluster) Pid(name string) int {
	p, err := c.process(name)
	if err != nil {
		return 0
	}
	return p.Pid()
}

func (c *Cluster) process(name string) (*servers.Process, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p, ok := c.running[name]
	if !ok {
		return nil, fmt.Errorf("cluster: no process %q, have %v", name, c.order)
	}
	return p, nil
}

// Kill ends a process as a power cut does (SIGKILL) and waits until it is gone.
func (c *Cluster) Kill(name string) error {
	p, err := c.process(name)
	if err == nil {
		p.Kill()
	}
	return err
}

// Stop freezes a process (SIGSTOP) until Continue.
func (c *Cluster) Stop(name string) error {
	p, err := c.process(name)
	if err != nil {
		return err
	}
	return p.Signal(syscall.SIGSTOP)
}

// Continue wakes a frozen process (SIGCONT).
func (c *Cluster) Continue(name string) error {
	p, err := c.process(name)
	if err != nil {
		return err
	}
	return p.Signal(syscall.SIGCONT)
}

// Terminate asks a process to end (SIGTERM), waits until it has and returns its
// exit code.
func (c *Cluster) Terminate(name string) (int, error) {
	p, err := c.process(name)
	if err != nil {
		return -1, err
	}
	return p.Stop()
}

// Restart starts a process again as it was, after killing it if it still runs, and
// returns when it is ready. fauxqs comes back with its queues, but empty.
func (c *Cluster) Restart(ctx context.Context, name string) error {
	if err := c.Kill(name); err != nil {
		return err
	}
	c.mu.Lock()
	s := c.servers[name]
	c.mu.Unlock()
	if err := c.start(ctx, s); err != nil {
		return err
	}
	if name == "fauxqs" {
		return c.makeQueues(ctx)
	}
	return nil
}

// retry calls f until it succeeds, for a while.
func retry(ctx context.Context, f func() error) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		err := f()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}
