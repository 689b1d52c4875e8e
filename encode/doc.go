// Package encode writes what we make: cells (raw H.264), AAC packets for the
// final, FLAC stems, converted parts (Matroska) and JPEG pictures.
//
// Output is deterministic: the same input and options give the same bytes, no
// dates and no random identifiers. No type is safe for concurrent use.
package encode
