// Package decode reads recordings: what they are (Probe), their pictures
// (OpenVideo, Sampler, Survey) and their sound (OpenAudio).
//
// All times are part time: zero is the earliest timestamp that any stream of
// the file presents, with edit lists and codec priming (Opus pre-skip, AAC)
// honoured, so a picture and a sound that belong together have one time.
//
// Pictures are decoded in software, or on a card where that gives the same (Decoder).
//
// Nothing here starts goroutines of its own; libav's codec threads end with
// Close. No type is safe for concurrent use.
package decode
