// Package render is Choirless Render: singers' recordings in, one finished
// choir video out. The root holds no code, only the tests of the house's rules;
// ARCHITECTURE.md shows the way through it.
package render
