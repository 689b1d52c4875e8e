// Package coordinator takes a song from uploaded recordings to the final. It
// owns no work of its own but the last step; it decides what is to be done next
// and writes that down before anybody is told.
//
//	object in raw ─event→ part + ingest task ─report→ part ready
//	all parts ready ─→ align, balance → definition ─event→ render
//	render: queued ─plan→ rendering ─last cell→ checking ─→ (stacking ─→) finishing ─→ done
//
// Everything is in the store. Between two transactions nothing is known that
// could be lost: a coordinator may be killed at any point, several may run at
// once, and every message may come twice, late or never. Events and reports
// only cause transactions; claims with leases decide who takes a step; each step
// can be taken again with the same result; and a reconciliation compares the
// buckets with the store for what no event told.
//
// A coordinator never composes pictures and never encodes video: what needs a
// video codec is a node's assignment.
package coordinator
