package mix

import (
	"context"
	"fmt"

	"github.com/choirless/render/media"
)

// Sum mixes voices over song time 0..samples and hands the sum to sink in
// blocks of BlockSize: dry is left and right, send is what goes to the reverb,
// nil when every voice has Send 1 (then the send is the dry sum). Blocks are
// valid until sink returns. Voices are added in the order given, so equal input
// gives equal bits. A voice of gain 0 is not opened. An error names the voice.
func Sum(ctx context.Context, voices []Voice, samples int64, sink func(dry, send [][]float32) error) error {
	return SumRange(ctx, voices, Span{0, samples}, samples, sink)
}

// SumRange is Sum over a part of the song: the sample frames of span, bit for
// bit what Sum over a song of the given length has there. Sources that are
// Seekers are not read from their beginning.
func SumRange(ctx context.Context, voices []Voice, span Span, samples int64, sink func(dry, send [][]float32) error) error {
	hasSend := HasSend(voices)
	dry, send := newBlock(2), newBlock(2)
	return render(ctx, voices, span, samples, func(n int, next func() (int, [][]float32, error)) error {
		clearBlock(dry, n)
		clearBlock(send, n)
		for {
			i, v, err := next()
			if err != nil {
				return err
			}
			if i < 0 {
				break
			}
			addTo(dry, v, 1)
			if hasSend && voices[i].Send != 0 {
				addTo(send, v, float32(voices[i].Send))
			}
		}
		if hasSend {
			return sink(dry, send)
		}
		return sink(dry, nil)
	})
}

// HasSend reports whether any voice has a Send other than 1, so that its sum
// needs channels of its own for the reverb.
func HasSend(voices []Voice) bool {
	for _, v := range voices {
		if v.Send != 1 {
			return true
		}
	}
	return false
}

// Stems hands on every voice of a song by itself, after clean-up, offset, gain
// and pan: sink is called with each voice's index in turn, block by block. The
// stems of a song, added up in this order, are its dry sum bit for bit. Blocks
// are valid until sink returns.
func Stems(ctx context.Context, voices []Voice, samples int64, sink func(voice int, stereo [][]float32) error) error {
	return StemsRange(ctx, voices, Span{0, samples}, samples, sink)
}

// StemsRange is to Stems what SumRange is to Sum.
func StemsRange(ctx context.Context, voices []Voice, span Span, samples int64, sink func(voice int, stereo [][]float32) error) error {
	silent := newBlock(2)
	return render(ctx, voices, span, samples, func(n int, next func() (int, [][]float32, error)) error {
		clearBlock(silent, n)
		at := 0
		emit := func(until int) error {
			for ; at < until; at++ {
				if err := sink(at, silent); err != nil {
					return err
				}
			}
			return nil
		}
		for {
			i, v, err := next()
			if err != nil {
				return err
			}
			if i < 0 {
				return emit(len(voices))
			}
			if err := emit(i); err != nil {
				return err
			}
			if err := sink(i, v); err != nil {
				return err
			}
			at = i + 1
		}
	})
}

// render plays the voices over span. For every block it calls block with its
// length and a function that returns the sounding voices one by one, index -1
// after the last.
func render(ctx context.Context, voices []Voice, span Span, samples int64,
	block func(n int, next func() (int, [][]float32, error)) error,
) (err error) {
	if span.From < 0 || span.To > samples || span.From > span.To {
		return fmt.Errorf("samples %d to %d of a song of %d", span.From, span.To, samples)
	}
	states := make([]*voiceState, len(voices))
	defer func() {
		for _, s := range states {
			if s == nil {
				continue
			}
			if cerr := s.track.close(); cerr != nil && err == nil {
				err = fmt.Errorf("voice %q: close: %w", s.Name, cerr)
			}
		}
	}()
	var tab *interpolator
	for i, v := range voices {
		if v.DriftPPM != 0 && tab == nil {
			tab = driftTable(int64(media.MixRate))
		}
		if states[i], err = newVoiceState(v, samples, tab); err != nil {
			return fmt.Errorf("voice %q: %w", v.Name, err)
		}
	}
	for at := span.From; at < span.To; {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		// Blocks end on multiples of BlockSize in song time, whatever span is.
		n := int(min(span.To-at, BlockSize-at%BlockSize))
		i := 0
		next := func() (int, [][]float32, error) {
			for i < len(states) {
				s := states[i]
				i++
				v, err := s.render(at, n)
				if err != nil {
					return 0, nil, fmt.Errorf("voice %q: %w", s.Name, err)
				}
				if v != nil {
					return i - 1, v, nil
				}
			}
			return -1, nil, nil
		}
		if err := block(n, next); err != nil {
			return err
		}
		at += int64(n)
	}
	return nil
}

func newBlock(channels int) [][]float32 {
	b := make([][]float32, channels)
	for c := range b {
		b[c] = make([]float32, BlockSize)
	}
	return b
}

// clearBlock sets a block's length and silences it.
func clearBlock(b [][]float32, n int) {
	for c := range b {
		b[c] = b[c][:n]
		clear(b[c])
	}
}

// addTo adds x times gain to sum, channel by channel.
func addTo(sum, x [][]float32, gain float32) {
	for c := range sum {
		to, from := sum[c], x[c][:len(sum[c])]
		if gain == 1 {
			for i, v := range from {
				to[i] += v
			}
			continue
		}
		for i, v := range from {
			to[i] += v * gain
		}
	}
}
