package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// Postgres starts a PostgreSQL cluster of the test's own, on a socket in a new
// folder, and returns a function that makes an empty database in it and returns
// the address. The cluster stops with the test. The test is skipped where no
// PostgreSQL is installed, unless CHOIR_REQUIRE_SERVERS=1.
func Postgres(t testing.TB) func(t testing.TB) string {
	t.Helper()
	bin, err := postgresBin()
	if err != nil {
		if os.Getenv("CHOIR_REQUIRE_SERVERS") == "1" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	// Not t.TempDir: its parent may only be entered by its owner, and
	// PostgreSQL refuses to run as root.
	dir, err := os.MkdirTemp("", "choir-pg")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	attr, err := unprivileged(dir)
	if err != nil {
		t.Fatal(err)
	}
	run := func(name string, args ...string) {
		t.Helper()
		c := exec.Command(filepath.Join(bin, name), args...)
		c.Dir, c.SysProcAttr = dir, attr
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
	}
	data := filepath.Join(dir, "data")
	run("initdb", "--no-sync", "-A", "trust", "-U", "choirless", "-E", "UTF8", "--no-locale", "-D", data)
	server := exec.Command(filepath.Join(bin, "postgres"), "-D", data, "-k", dir,
		"-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=200")
	var log bytes.Buffer
	server.Dir, server.SysProcAttr, server.Stdout, server.Stderr = dir, attr, &log, &log
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Signal(syscall.SIGINT) // fast shutdown; Wait says whether it went
		if err := server.Wait(); err != nil {
			t.Errorf("postgres: %v\n%s", err, log.String())
		}
	})
	ready := func() error {
		out, err := exec.Command(filepath.Join(bin, "pg_isready"), "-h", dir).CombinedOutput()
		if err != nil {
			return fmt.Errorf("pg_isready: %w: %s", err, out)
		}
		return nil
	}
	deadline := time.Now().Add(time.Minute)
	for err := ready(); err != nil; err = ready() {
		if time.Now().After(deadline) {
			t.Fatalf("postgres is not ready after a minute: %v\n%s", err, log.String())
		}
		time.Sleep(50 * time.Millisecond)
	}
	var count atomic.Int64
	return func(t testing.TB) string {
		t.Helper()
		name := fmt.Sprintf("choir%d", count.Add(1))
		run("createdb", "-h", dir, "-U", "choirless", name)
		return fmt.Sprintf("host=%s user=choirless dbname=%s", dir, name)
	}
}

// postgresBin returns the folder of the newest server installed.
func postgresBin() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if err != nil {
		return "", err
	}
	if p, err := exec.LookPath("initdb"); err == nil && len(found) == 0 {
		if p, err = filepath.EvalSymlinks(p); err == nil {
			found = append(found, p)
		}
	}
	if len(found) == 0 {
		return "", errors.New("PostgreSQL is not installed: no /usr/lib/postgresql/*/bin/postgres")
	}
	slices.Sort(found)
	return filepath.Dir(found[len(found)-1]), nil
}

// unprivileged gives dir to, and returns the attributes to run as, the user
// postgres or nobody when we are root.
func unprivileged(dir string) (*syscall.SysProcAttr, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		if u, err = user.Lookup("nobody"); err != nil {
			return nil, err
		}
	}
	uid, err1 := strconv.Atoi(u.Uid)
	gid, err2 := strconv.Atoi(u.Gid)
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, os.Chown(dir, uid, gid)
}
