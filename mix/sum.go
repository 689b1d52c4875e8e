package mix

import "context"

// Sum mixes voices over song time 0..samples and hands the sum to sink in
// blocks of BlockSize: dry is left and right, send is what goes to the reverb,
// nil when every voice has Send 1 (then the send is the dry sum). Blocks are
// valid until sink returns. Voices are added in the order given, so equal input
// gives equal bits. An error names the voice. Not safe for concurrent use of
// the same voices' Open.
func Sum(ctx context.Context, voices []Voice, samples int64, sink func(dry, send [][]float32) error) error {
	return SumRange(ctx, voices, Span{0, samples}, samples, sink)
}

// SumRange is Sum over a part of the song: the sample frames of span, bit for
// bit what Sum over a song of the given length has there.
func SumRange(ctx context.Context, voices []Voice, span Span, samples int64, sink func(dry, send [][]float32) error) error {
	panic("unfinished")
}

// Stems hands on every voice of a song by itself, after clean-up, offset, gain
// and pan, so that the stems of a song add up to its dry sum: sink is called
// with each voice's index in turn, block by block. Blocks are valid until sink
// returns.
func Stems(ctx context.Context, voices []Voice, samples int64, sink func(voice int, stereo [][]float32) error) error {
	panic("unfinished")
}
