// Package media holds the quantities every stage speaks of: times, rates,
// offsets, pictures, colour and sound. It depends on the standard library only
// and owns no memory that needs closing.
package media
