package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/choirless/render/bucket"
	"github.com/choirless/render/decode"
	"github.com/choirless/render/media"
	"github.com/choirless/render/mix"
	"github.com/choirless/render/plan"
)

// sound makes a stripe's dry sum (and its reverb send, when a voice has one of
// its own) over the whole song and stores it as a float WAV.
func (n *Node) sound(ctx context.Context, b bucket.Buckets, s *plan.Sound, progress func(float64)) (plan.SoundResult, error) {
	res := plan.SoundResult{Samples: s.Samples, Channels: 2}
	voices, err := Voices(ctx, b, *s)
	if err != nil {
		return res, err
	}
	if slices.ContainsFunc(s.Voices, func(v plan.Voice) bool { return v.Send != 1 }) {
		res.Channels = 4
	}
	_, err = putStream(ctx, b, s.Out, func(w io.Writer) error {
		wav, err := mix.NewWAVWriter(w, media.MixRate, res.Channels, s.Samples)
		if err != nil {
			return err
		}
		done := int64(0)
		err = mix.Sum(ctx, voices, s.Samples, func(dry, send [][]float32) error {
			block := dry
			if res.Channels == 4 {
				if send == nil {
					send = dry
				}
				block = append(append(make([][]float32, 0, 4), dry...), send...)
			}
			done += int64(len(dry[0]))
			progress(100 * float64(done) / float64(max(1, s.Samples)))
			return wav.Write(block)
		})
		if err != nil {
			return err
		}
		return wav.Close()
	})
	if err != nil {
		return res, fmt.Errorf("sound of stripe %d: %w", s.Stripe, err)
	}
	return res, nil
}

// Voices translates the voices of sounds for the mixer; each opens its converted
// part when it is mixed. Errors are *PartError.
func Voices(ctx context.Context, b bucket.Buckets, sounds ...plan.Sound) ([]mix.Voice, error) {
	var out []mix.Voice
	for _, s := range sounds {
		var rests []mix.Span
		for _, r := range s.Rests {
			rests = append(rests, mix.Span{From: media.MixRate.Samples(r.From), To: media.MixRate.Samples(r.To)})
		}
		for _, v := range s.Voices {
			m, err := voice(ctx, b, v)
			if err != nil {
				return nil, &PartError{v.Part, err}
			}
			m.Cleanup.Rests = rests
			out = append(out, m)
		}
	}
	return out, nil
}

func voice(ctx context.Context, b bucket.Buckets, v plan.Voice) (mix.Voice, error) {
	law, err := mix.ParsePanLaw(v.PanLaw)
	if err != nil {
		return mix.Voice{}, err
	}
	m := mix.Voice{
		Name: string(v.Part), Offset: v.Offset, DriftPPM: v.DriftPPM,
		Gain: v.Gain, Pan: v.Pan, Law: law, Send: v.Send,
		Open: func() (mix.Source, error) { return openVoice(ctx, b, v) },
	}
	if m.Cleanup, err = mix.ParseCleanup(v.Cleanup); err != nil {
		return m, err
	}
	m.Cleanup.GateDB = v.GateDB
	return m, nil
}

// voiceSource is the sound of a converted part with the object it reads.
type voiceSource struct {
	*decode.Audio
	src io.Closer
}

func (s voiceSource) Close() error { return errors.Join(s.Audio.Close(), s.src.Close()) }

func openVoice(ctx context.Context, b bucket.Buckets, v plan.Voice) (mix.Source, error) {
	src, err := openRef(ctx, b, v.Source)
	if err != nil {
		return nil, err
	}
	a, err := decode.OpenAudio(ctx, src)
	if err != nil {
		src.Close()
		return nil, &PartError{v.Part, err}
	}
	return voiceSource{a, src}, nil
}
