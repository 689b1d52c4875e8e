// Package store is the coordinators' common memory: choirs, songs, parts,
// renders, tasks, messages to be sent, and every step ever taken. Several
// coordinators may use one store at once; work is claimed, never assumed.
//
// [OpenSQLite] keeps it in a file, [OpenPostgres] in a PostgreSQL database. Both
// run the same statements, and package storetest holds both to the numbered list
// of [Store].
package store
