// Package mix turns aligned parts into one piece of sound: gain, pan and
// offset per voice, a sum in a fixed order, reverberation, loudness and a
// true-peak limiter. It also measures: loudness, level and faults of a part.
//
// Everything streams. A Source is read in blocks, a sum is handed on in blocks
// of BlockSize sample frames, and memory does not grow with the length of the
// song except where a type says so.
//
// Everything is reproducible: each output sample is a pure function of the
// song's sample index and the voices' own samples. Mixing a song in segments
// gives the same bits as mixing it whole; no gain depends on how many parts
// there are or on which of them have ended.
//
// Units: samples are float32, full scale is ±1. "Gain" is a linear factor,
// "DB" is 20·log10 of one. Loudness is LUFS (ITU-R BS.1770-4, EBU R 128), true
// peak is dBTP. Times inside a song are counted in sample frames at
// media.MixRate from song time zero.
package mix
