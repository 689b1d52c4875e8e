// Package e2e holds tests that need several stages at once, which no stage may
// import itself: what encode writes, stitch joins and decode reads.
package e2e
