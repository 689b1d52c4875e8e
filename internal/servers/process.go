// Package servers runs the programs a local cluster consists of as processes of
// their own: PostgreSQL, MinIO, versitygw and fauxqs, on free ports of 127.0.0.1
// with everything they write in a folder the caller names, and the product's own
// services beside them. It is for tests and for one machine; nothing of it is in
// the product.
package servers

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// Server is a program that can be started, also again after it ended, with the
// same settings on the same data.
type Server struct {
	Name string // for messages
	Path string
	Args []string
	Env  []string // on top of our own
	Dir  string   // it runs in
	// Credential is whom it runs as; nil: as ourselves.
	Credential *syscall.Credential
	// Log is the file that everything it writes is appended to.
	Log string
	// Interrupt asks it to end; 0 is SIGTERM.
	Interrupt syscall.Signal
	// Ready returns nil when it takes requests. It is asked until it does.
	Ready func(context.Context) error
}

// Process is a started server. It dies with the process that started it, however
// that ends. Safe for concurrent use.
type Process struct {
	server Server
	cmd    *exec.Cmd
	exited chan struct{}
}

const (
	// patience is how long a server may take to start on a busy machine.
	patience = 60 * time.Second
	// grace is how long one may take to end when it is asked to.
	grace = 30 * time.Second
	// dumpTime is how long one that has not ended may take to say where it stands.
	dumpTime = 5 * time.Second
)

// Start starts a server and waits until it is ready. When it does not become so,
// it is ended again and the error holds the end of its log.
func (s Server) Start(ctx context.Context) (*Process, error) {
	p, err := s.launch()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.Name, err)
	}
	if err := p.waitReady(ctx); err != nil {
		p.Kill()
		return nil, fmt.Errorf("%s does not start: %w\n%s", s.Name, err, tail(s.Log, 4<<10))
	}
	return p, nil
}

func (s Server) launch() (*Process, error) {
	log, err := os.OpenFile(s.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o666)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := exec.Command(s.Path, s.Args...)
	cmd.Env, cmd.Dir = append(os.Environ(), s.Env...), s.Dir
	cmd.Stdout, cmd.Stderr = log, log
	// A group of its own, so that the terminal's Ctrl-C reaches us alone and the
	// order of ending is ours.
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.Credential, Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if s.Interrupt != 0 && s.Interrupt != syscall.SIGTERM {
		cmd.SysProcAttr.Pdeathsig = s.Interrupt // it has children of its own to see to
	}
	// Held open: some end when their standard input does.
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	p := &Process{server: s, cmd: cmd, exited: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		// The kernel sends Pdeathsig when the thread that started the process
		// ends, so one thread is kept for that; any other may be ended by the
		// runtime.
		runtime.LockOSThread()
		defer close(p.exited)
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // ProcessState says the same
			stdin.Close()
		}
	}()
	return p, <-started
}

func (p *Process) waitReady(ctx context.Context) error {
	if p.server.Ready == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		err := p.server.Ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.exited:
			return fmt.Errorf("it ended: %s", p.cmd.ProcessState)
		case <-ctx.Done():
			return errors.Join(err, context.Cause(ctx))
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Pid returns the process id.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Exited is closed when the process has ended.
func (p *Process) Exited() <-chan struct{} { return p.exited }

// Running tells whether the process has not ended.
func (p *Process) Running() bool {
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}

// ExitCode returns how the process ended, −1 when by a signal or not yet.
func (p *Process) ExitCode() int {
	if p.Running() {
		return -1
	}
	return p.cmd.ProcessState.ExitCode()
}

// Signal sends a signal; one that has ended gets none.
func (p *Process) Signal(sig syscall.Signal) error {
	if err := p.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("%s: %v: %w", p.server.Name, sig, err)
	}
	return nil
}

// Kill ends the process as a power cut does and waits until it is gone.
func (p *Process) Kill() {
	_ = p.Signal(syscall.SIGKILL)
	<-p.exited
}

// Stop asks the process to end, and kills it when it has not after a while. It
// returns its exit code and, when it had to be killed, an error with the end of its
// log: a Go program writes there where its goroutines stand (SIGQUIT).
func (p *Process) Stop() (int, error) {
	sig := p.server.Interrupt
	if sig == 0 {
		sig = syscall.SIGTERM
	}
	if err := errors.Join(p.Signal(sig), p.Signal(syscall.SIGCONT)); err != nil {
		return -1, err
	}
	select {
	case <-p.exited:
		return p.ExitCode(), nil
	case <-time.After(grace):
		_ = p.Signal(syscall.SIGQUIT)
		select {
		case <-p.exited:
		case <-time.After(dumpTime):
		}
		p.Kill()
		return -1, fmt.Errorf("%s does not end, killed after %v\n%s", p.server.Name, grace, tail(p.server.Log, 256<<10))
	}
}

// tail returns the end of a log.
func tail(path string, most int) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	return string(b[max(0, len(b)-most):])
}
