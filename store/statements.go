package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
)

// SQLite compiles a statement every time it is executed as text, which takes longer
// than the few rows of most of ours. Package sql keeps a compiled one for who holds it,
// but inside a transaction only until its end. So connections keep them here, as pgx
// does by itself: each those that it has executed, for as long as it lives.

// keptStatements bounds what a connection keeps. The store has some hundred statements;
// what is made of lists of different lengths must not fill the memory.
const keptStatements = 256

// keeper opens connections that keep their statements.
type keeper struct{ driver.Connector }

// sqliteConn is what the connections of the driver can do.
type sqliteConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

// sqliteStmt is what its statements can do.
type sqliteStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

func (k keeper) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := k.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	able, ok := c.(sqliteConn)
	if !ok {
		return nil, errors.Join(fmt.Errorf("a connection that is a %T", c), c.Close())
	}
	return &keepingConn{sqliteConn: able, kept: map[string]sqliteStmt{}}, nil
}

// keepingConn is a connection with the statements that are not in use.
type keepingConn struct {
	sqliteConn
	kept map[string]sqliteStmt
}

// take returns the statement, which nobody else uses until it is given back: one whose
// rows are still being read is compiled a second time.
func (c *keepingConn) take(ctx context.Context, query string) (sqliteStmt, error) {
	if s, ok := c.kept[query]; ok {
		delete(c.kept, query)
		return s, nil
	}
	s, err := c.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	able, ok := s.(sqliteStmt)
	if !ok {
		return nil, errors.Join(fmt.Errorf("a statement that is a %T", s), s.Close())
	}
	return able, nil
}

func (c *keepingConn) giveBack(query string, s sqliteStmt) error {
	if _, another := c.kept[query]; another || len(c.kept) >= keptStatements {
		return s.Close()
	}
	c.kept[query] = s
	return nil
}

// ExecContext implements driver.ExecerContext.
func (c *keepingConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	s, err := c.take(ctx, query)
	if err != nil {
		return nil, err
	}
	r, err := s.ExecContext(ctx, args)
	if back := c.giveBack(query, s); err == nil {
		err = back
	}
	return r, err
}

// QueryContext implements driver.QueryerContext.
func (c *keepingConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	s, err := c.take(ctx, query)
	if err != nil {
		return nil, err
	}
	r, err := s.QueryContext(ctx, args)
	if err != nil {
		return nil, errors.Join(err, c.giveBack(query, s))
	}
	return &keptRows{Rows: r, c: c, query: query, s: s}, nil
}

// Close closes the statements and the connection.
func (c *keepingConn) Close() error {
	var errs []error
	for _, s := range c.kept {
		errs = append(errs, s.Close())
	}
	clear(c.kept)
	return errors.Join(append(errs, c.sqliteConn.Close())...)
}

// keptRows give their statement back when they are closed.
type keptRows struct {
	driver.Rows
	c     *keepingConn
	query string
	s     sqliteStmt
}

// Close may be called more than once.
func (r *keptRows) Close() error {
	err := r.Rows.Close()
	if r.s != nil {
		err = errors.Join(err, r.c.giveBack(r.query, r.s))
		r.s = nil
	}
	return err
}
