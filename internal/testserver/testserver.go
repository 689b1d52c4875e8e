// Package testserver starts independent database, S3 and SQS servers for the tests
// of this repository and stops them after. They are installed by scripts/setup and
// scripts/servers; without them a test is skipped, or fails when
// CHOIR_REQUIRE_SERVERS=1 is set, as it is where nothing may be left out.
package testserver

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"testing"

	"github.com/choirless/render/internal/servers"
)

// S3 is the address of a running S3 server.
type S3 = servers.S3

// Fauxqs starts fauxqs and returns its address. CHOIR_SQS_ENDPOINT names a
// server to use instead, one that is thrown away after.
func Fauxqs(t testing.TB) string {
	t.Helper()
	if e := os.Getenv("CHOIR_SQS_ENDPOINT"); e != "" {
		return e
	}
	s, url, err := servers.Fauxqs(t.TempDir())
	start(t, s, err)
	return url
}

// MinIO starts MinIO, with the given additions to its environment.
func MinIO(t testing.TB, env ...string) S3 {
	t.Helper()
	s, address, err := servers.MinIO(t.TempDir(), env...)
	start(t, s, err)
	return address
}

// Versitygw starts the Versity gateway.
func Versitygw(t testing.TB) S3 {
	t.Helper()
	s, address, err := servers.Versitygw(t.TempDir())
	start(t, s, err)
	return address
}

// Postgres starts a PostgreSQL cluster of the test's own and returns a function
// that makes an empty database in it and returns the address.
func Postgres(t testing.TB) func(t testing.TB) string {
	t.Helper()
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
	p, err := servers.NewPostgres(t.Context(), dir, false)
	if err != nil {
		Missing(t, err)
	}
	start(t, p.Server, nil)
	var count atomic.Int64
	return func(t testing.TB) string {
		t.Helper()
		name := fmt.Sprintf("choir%d", count.Add(1))
		if err := p.CreateDatabase(t.Context(), name); err != nil {
			t.Fatal(err)
		}
		return p.URL(name)
	}
}

// Missing skips the test when err says that a program is not installed and may be
// missing, and fails it otherwise.
func Missing(t testing.TB, err error) {
	t.Helper()
	if errors.As(err, new(*servers.Missing)) && os.Getenv("CHOIR_REQUIRE_SERVERS") != "1" {
		t.Skip(err)
	}
	t.Fatal(err)
}

// start starts a server that is stopped at the end of the test.
func start(t testing.TB, s servers.Server, err error) {
	t.Helper()
	if err != nil {
		Missing(t, err)
	}
	p, err := s.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := p.Stop(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			log, err := os.ReadFile(s.Log)
			t.Logf("%s said:\n%s%v", s.Name, log, err)
		}
	})
}
