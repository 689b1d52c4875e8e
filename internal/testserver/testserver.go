// Package testserver starts independent S3 and SQS servers for the tests of
// this repository, on free ports of 127.0.0.1, and stops them after. They are
// installed by scripts/servers; without them a test is skipped, or fails when
// CHOIR_REQUIRE_SERVERS=1 is set, as it is where nothing may be left out.
package testserver

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// S3 is the address of a running S3 server.
type S3 struct {
	Endpoint, Region, AccessKey, SecretKey string
}

// Fauxqs starts fauxqs and returns its address. CHOIR_SQS_ENDPOINT names a
// server to use instead, one that is thrown away after.
func Fauxqs(t testing.TB) string {
	t.Helper()
	if e := os.Getenv("CHOIR_SQS_ENDPOINT"); e != "" {
		return e
	}
	script := prefix(t, "fauxqs/serve.mjs")
	prefix(t, "fauxqs/node_modules/fauxqs")
	node, err := exec.LookPath("node")
	if err != nil {
		missing(t, "node is not installed")
	}
	cmd := exec.Command(node, script, "0")
	stdin, err := cmd.StdinPipe() // it ends when this is closed
	if err != nil {
		t.Fatal(err)
	}
	out := start(t, cmd)
	t.Cleanup(func() { stdin.Close() })
	return out.line(t)
}

// MinIO starts MinIO, with the given additions to its environment.
func MinIO(t testing.TB, env ...string) S3 {
	t.Helper()
	binary := prefix(t, "bin/minio")
	s := S3{Endpoint: "http://" + freeAddress(t), Region: "us-east-1", AccessKey: "choirtest", SecretKey: "choirtest-secret"}
	cmd := exec.Command(binary, "server", "--quiet", "--address", strings.TrimPrefix(s.Endpoint, "http://"),
		"--console-address", freeAddress(t), t.TempDir())
	cmd.Env = append(os.Environ(), "MINIO_ROOT_USER="+s.AccessKey, "MINIO_ROOT_PASSWORD="+s.SecretKey, "MINIO_BROWSER=off")
	cmd.Env = append(cmd.Env, env...)
	start(t, cmd).ready(t, s.Endpoint+"/minio/health/ready")
	return s
}

// Versitygw starts the Versity gateway over a directory, whose file system must
// have extended attributes: with metadata in files beside the objects (its
// --sidecar) a replaced object has for a moment the checksum of the other.
func Versitygw(t testing.TB) S3 {
	t.Helper()
	binary := prefix(t, "bin/versitygw")
	s := S3{Endpoint: "http://" + freeAddress(t), Region: "us-east-1", AccessKey: "choirtest", SecretKey: "choirtest-secret"}
	cmd := exec.Command(binary, "--port", strings.TrimPrefix(s.Endpoint, "http://"), "--access", s.AccessKey,
		"--secret", s.SecretKey, "--region", s.Region, "--quiet", "--health", "/health",
		"posix", t.TempDir())
	start(t, cmd).ready(t, s.Endpoint+"/health")
	return s
}

// prefix returns the path of something scripts/servers installed.
func prefix(t testing.TB, name string) string {
	t.Helper()
	_, file, _, _ := runtime.Caller(0)
	path := filepath.Join(filepath.Dir(file), "..", "..", ".prefix", name)
	if _, err := os.Stat(path); err != nil {
		missing(t, fmt.Sprintf("%s is not installed: run scripts/servers", filepath.Base(name)))
	}
	return path
}

func missing(t testing.TB, why string) {
	t.Helper()
	if os.Getenv("CHOIR_REQUIRE_SERVERS") == "1" {
		t.Fatal(why)
	}
	t.Skip(why)
}

// freeAddress returns an address of 127.0.0.1 that nobody listens on just now.
func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// process is a started server and what it has said so far.
type process struct {
	name   string
	exited chan struct{}

	mu     sync.Mutex
	output bytes.Buffer
	first  chan string // its first line on standard output
}

// start starts a server that is stopped at the end of the test, or with this
// process, however that ends.
func start(t testing.TB, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{name: filepath.Base(cmd.Path), exited: make(chan struct{}), first: make(chan string, 1)}
	// The kernel sends this when the thread that started the server ends, so one
	// thread is kept for that; any other may be ended by the runtime.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.Stderr = p
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer close(p.exited)
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		lines := bufio.NewScanner(stdout)
		for n := 0; lines.Scan(); n++ {
			if n == 0 {
				p.first <- lines.Text()
			}
			fmt.Fprintln(p, lines.Text())
		}
		_ = cmd.Wait()
	}()
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-p.exited:
		case <-time.After(5 * time.Second):
			_ = cmd.Process.Kill()
			<-p.exited
		}
		if t.Failed() {
			t.Logf("%s said:\n%s", p.name, p.said())
		}
	})
	return p
}

// Write keeps what the server writes.
func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.output.Write(b)
}

func (p *process) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.output.String()
}

// patience is how long a server may take to start on a busy machine.
const patience = 60 * time.Second

// line waits for the first line the server prints.
func (p *process) line(t testing.TB) string {
	t.Helper()
	select {
	case l := <-p.first:
		return l
	case <-p.exited:
		t.Fatalf("%s ended: %s", p.name, p.said())
	case <-time.After(patience):
		t.Fatalf("%s does not start: %s", p.name, p.said())
	}
	return ""
}

// ready waits until the server answers at url with 200.
func (p *process) ready(t testing.TB, url string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		if resp, err := http.DefaultClient.Do(req); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
		select {
		case <-p.exited:
			t.Fatalf("%s ended: %s", p.name, p.said())
		case <-ctx.Done():
			t.Fatalf("%s does not answer: %s", p.name, p.said())
		case <-time.After(20 * time.Millisecond):
		}
	}
}
