// Package load holds the load test of the service: many songs at once through a
// real coordinator, queue, object store and database. Only the nodes are
// replaced, by a stand-in that waits where they would compute.
package load
