package store

// Pool is the state of a database's connections.
type Pool struct {
	Open, InUse, Idle int
	// Waits counts the requests that had to wait for a connection, WaitSeconds how
	// long they waited altogether.
	Waits       int64
	WaitSeconds float64
}

// Pool returns the state of the connections now.
func (d *db) Pool() Pool {
	s := d.write.Stats()
	return Pool{s.OpenConnections, s.InUse, s.Idle, s.WaitCount, s.WaitDuration.Seconds()}
}
