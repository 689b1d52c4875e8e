// Package definition is the wire: ids, object keys, definitions, part documents
// and song files, as Choirless writes them, with our additions. It is pure data:
// nothing here does I/O, and every function is safe for concurrent use.
//
// Names on the wire are kept as Choirless has them, odd as some are (offset in
// milliseconds as head trim, volume for a linear gain, position absent for a part
// that only sounds). They are turned into the units of package media once, in
// package plan.
//
// Reading is in two tempers. [Parse] is strict: it wants the version, knows every
// field, and reports all faults at once, each with its path and its bound.
// [Import] reads what earlier Choirless programs wrote (numbers in strings, the
// "offet" typo, fractional positions, no version) and says what it mended.
// [Read] picks by the presence of a version.
package definition
