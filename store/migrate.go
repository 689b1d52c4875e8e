package store

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"strings"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// migrate brings the schema up to date, one transaction per file, in the order
// of their names. A lock keeps coordinators that start together from running
// them twice: SQLite's one writer, an advisory lock on PostgreSQL.
func (d *db) migrate(ctx context.Context) error {
	if _, err := d.write.ExecContext(ctx,
		`CREATE TABLE IF NOT EXISTS migrations (name TEXT NOT NULL PRIMARY KEY, applied BIGINT NOT NULL)`); err != nil &&
		!d.duplicate(err) {
		return fmt.Errorf("store: migrations: %w", err)
	}
	names, err := fs.Glob(migrationFiles, "migrations/*.sql")
	if err != nil {
		return err
	}
	for _, name := range names {
		text, err := migrationFiles.ReadFile(name)
		if err != nil {
			return err
		}
		short := strings.TrimPrefix(name, "migrations/")
		err = d.change(ctx, "migration "+short, func(t *tx) error {
			t.quiet = true
			return t.migrateOne(ctx, short, string(text))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) migrateOne(ctx context.Context, name, text string) error {
	if t.d.dialect.migrate != "" {
		if _, err := t.exec(ctx, t.d.dialect.migrate); err != nil {
			return err
		}
	}
	var n int
	if err := t.row(ctx, `SELECT COUNT(*) FROM migrations WHERE name = ?`, name).Scan(&n); err != nil || n > 0 {
		return err
	}
	text = strings.ReplaceAll(text, "{{serial}}", t.d.dialect.serial)
	for _, statement := range strings.Split(uncomment(text), ";") {
		if strings.TrimSpace(statement) == "" {
			continue
		}
		if _, err := t.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("%w in %s", err, strings.TrimSpace(statement))
		}
	}
	_, err := t.exec(ctx, `INSERT INTO migrations (name, applied) VALUES (?, ?)`, name, t.now)
	return err
}

// uncomment takes out what follows "--" on a line, so that comments may hold
// semicolons.
func uncomment(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		code, _, _ := strings.Cut(line, "--")
		b.WriteString(strings.TrimRight(code, "\n") + "\n")
	}
	return b.String()
}
