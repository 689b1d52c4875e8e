package drive

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
)

// Session is a running render-local.
type Session struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	out   *bufio.Reader
	errs  tail
	ended bool
}

// Status is what the command "status" answers; see render-local.
type Status struct {
	Seconds   float64 `json:"seconds"`
	Playing   bool    `json:"playing"`
	Frame     int     `json:"frame"`
	Look      int     `json:"look"`
	Error     string  `json:"error"`
	Presented int     `json:"presented"`
	Dropped   int     `json:"dropped"`
	FPS       float64 `json:"fps"`
	ReloadMS  float64 `json:"reload_ms"`
	StarvedMS float64 `json:"starved_ms"`
	LUFS      float64 `json:"lufs"`
	PSNR      float64 `json:"psnr"`
	RivalAt   int     `json:"rival_frame"`
	Resident  int     `json:"resident_kib"`
	Note      string  `json:"note"`
}

// Run starts a program on a screen, with --commands before the arguments.
func (s *Screen) Run(program string, args ...string) (*Session, error) {
	r := &Session{cmd: exec.Command(program, append([]string{"--commands"}, args...)...)}
	r.cmd.Env = append(os.Environ(), "DISPLAY="+s.Display)
	r.cmd.Stderr = &r.errs
	var err error
	if r.in, err = r.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := r.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	r.out = bufio.NewReader(out)
	if err := r.cmd.Start(); err != nil {
		return nil, err
	}
	return r, nil
}

// Do gives a command and returns its answer.
func (r *Session) Do(format string, args ...any) (string, error) {
	if _, err := fmt.Fprintf(r.in, format+"\n", args...); err != nil {
		return "", fmt.Errorf("%w: %s", err, r.errs.String())
	}
	line, err := r.out.ReadString('\n')
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, r.errs.String())
	}
	line = strings.TrimSuffix(line, "\n")
	if e, ok := strings.CutPrefix(line, "error: "); ok {
		return "", errors.New(e)
	}
	return line, nil
}

// Status asks how things are.
func (r *Session) Status() (st Status, err error) {
	line, err := r.Do("status")
	if err != nil {
		return st, err
	}
	return st, json.Unmarshal([]byte(line), &st)
}

// Close quits and waits for the end; what the program then says is the error.
func (r *Session) Close() error {
	if r.ended {
		return nil
	}
	r.ended = true
	_, err := r.Do("quit")
	r.in.Close()
	if werr := r.cmd.Wait(); werr != nil {
		return fmt.Errorf("%w: %s", werr, r.errs.String())
	}
	return err
}

// Kill ends it at once.
func (r *Session) Kill() {
	if !r.ended {
		r.ended = true
		_ = r.cmd.Process.Kill() // it may have ended
		_ = r.cmd.Wait()
	}
}

// tail keeps the end of what is written. Safe for concurrent use.
type tail struct {
	mu   sync.Mutex
	text []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	t.text = t.text[max(0, len(t.text)-4096):]
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text)
}
