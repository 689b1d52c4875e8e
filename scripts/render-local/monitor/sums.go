// Package monitor plays the mix of a song while it is being changed: the product's
// voices, sum and reverb, a fraction of a second ahead of a sound card, whose clock
// is the clock of everything.
package monitor

import (
	"context"
	"io"
	"slices"
	"sync"

	"github.com/choirless/render/media"
	"github.com/choirless/render/mix"
)

// Sums is the dry sum of voices as the one input of mix.Master.
func Sums(ctx context.Context, voices []mix.Voice, samples int64) []func() (mix.Source, error) {
	return []func() (mix.Source, error){func() (mix.Source, error) {
		ctx, stop := context.WithCancel(ctx)
		s := &sumSource{stop: stop, blocks: make(chan [][]float32)}
		s.work.Go(func() {
			defer close(s.blocks)
			s.err = mix.Sum(ctx, voices, samples, func(dry, send [][]float32) error {
				var b [][]float32 // two channels, or four with a send
				for _, ch := range slices.Concat(dry, send) {
					b = append(b, slices.Clone(ch))
				}
				select {
				case s.blocks <- b:
					return nil
				case <-ctx.Done():
					return context.Cause(ctx)
				}
			})
		})
		return s, nil
	}}
}

// sumSource hands a sum on as it is made.
type sumSource struct {
	stop   context.CancelFunc
	blocks chan [][]float32
	work   sync.WaitGroup
	err    error // after blocks is closed
	at     int64
}

func (s *sumSource) Read() (media.Block, error) {
	b, ok := <-s.blocks
	if !ok {
		if s.err != nil {
			return media.Block{}, s.err
		}
		return media.Block{}, io.EOF
	}
	out := media.Block{Start: s.at, Rate: media.MixRate, Channels: b}
	s.at += int64(len(b[0]))
	return out, nil
}

func (s *sumSource) Close() error {
	s.stop()
	s.work.Wait()
	return nil
}
