package store

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"

	"modernc.org/sqlite"
)

// A connection keeps each statement once, however it was used, and not too many.
func TestStatements(t *testing.T) {
	connector, err := sqlite.NewConnector("file:" + filepath.Join(t.TempDir(), "a.db"))
	if err != nil {
		t.Fatal(err)
	}
	pool := sql.OpenDB(keeper{connector})
	defer pool.Close()
	pool.SetMaxOpenConns(1)
	ctx := t.Context()
	kept := func() (n int) {
		t.Helper()
		c, err := pool.Conn(ctx)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if err := c.Raw(func(c any) error { n = len(c.(*keepingConn).kept); return nil }); err != nil {
			t.Fatal(err)
		}
		return n
	}
	exec := func(query string, args ...any) error {
		_, err := pool.ExecContext(ctx, query, args...)
		return err
	}
	if err := exec(`CREATE TABLE t (a INTEGER PRIMARY KEY)`); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if err := exec(`INSERT INTO t (a) VALUES (?)`, i); err != nil {
			t.Fatal(err)
		}
	}
	if n := kept(); n != 2 {
		t.Errorf("%d statements kept, want 2", n)
	}
	if err := exec(`INSERT INTO t (a) VALUES (?)`, 1); err == nil {
		t.Error("the same key twice")
	}
	if err := exec(`INSERT INTO t (a) VALUES (?)`, 3); err != nil {
		t.Errorf("after a failure: %v", err)
	}
	if err := exec(`SELEC`); err == nil || kept() != 2 {
		t.Errorf("nonsense: %v, %d statements kept, want 2", err, kept())
	}

	// The same statement while its rows are read, in one transaction.
	tx, err := pool.BeginTx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	const above = `SELECT a FROM t WHERE a >= ? ORDER BY a`
	rows, err := tx.QueryContext(ctx, above, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var got []int
	for rows.Next() {
		var a, b int
		if err := rows.Scan(&a); err != nil {
			t.Fatal(err)
		}
		if err := tx.QueryRowContext(ctx, above, 2).Scan(&b); err != nil {
			t.Fatal(err)
		}
		got = append(got, a, b)
	}
	if s := fmt.Sprint(got, rows.Err()); s != "[0 2 1 2 2 2 3 2] <nil>" {
		t.Errorf("one statement inside the other: %s", s)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if n := kept(); n != 3 {
		t.Errorf("%d statements kept, want 3", n)
	}

	// A change of the schema is seen by what was compiled before.
	if err := exec(`ALTER TABLE t ADD COLUMN b INTEGER NOT NULL DEFAULT 7`); err != nil {
		t.Fatal(err)
	}
	var sum int
	if err := pool.QueryRowContext(ctx, `SELECT SUM(b) FROM t`).Scan(&sum); err != nil || sum != 28 {
		t.Errorf("sum %d, %v; want 28", sum, err)
	}
	for i := range 2 * keptStatements {
		if err := pool.QueryRowContext(ctx, fmt.Sprintf(`SELECT a + %d FROM t`, i)).Scan(&sum); err != nil {
			t.Fatal(err)
		}
	}
	if n := kept(); n != keptStatements {
		t.Errorf("%d statements kept, want %d", n, keptStatements)
	}
}
