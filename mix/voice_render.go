package mix

import (
	"fmt"
	"math"

	"github.com/choirless/render/media"
)

// FadeSamples is the length of the equal-power fade (a quarter sine) at the
// ends of every voice: 10 ms, too short to soften an attack that follows a
// breath, long enough that a recording cut in mid-sound does not click.
const FadeSamples = 480

// partsPerBillion is the denominator of drift arithmetic: a ppm has three
// decimals, and song time times it stays inside int64 for a day of sound.
const partsPerBillion = 1_000_000_000

// maxDriftPPM is the bound of Voice.DriftPPM.
const maxDriftPPM = 20000

// voiceState is a Voice being played.
type voiceState struct {
	Voice
	track       track
	samples     int64 // of the song
	left, right float32
	offset      int64         // samples, without drift
	tab         *interpolator // nil without drift
	step        int64         // part time per song sample, in billionths of a sample
	num         int64         // offset in billionths of a sample
	out         [2][]float32  // scratch: the voice's stereo
	fade        [FadeSamples]float32
}

func newVoiceState(v Voice, samples int64, tabs *interpolator) (*voiceState, error) {
	switch {
	case math.IsNaN(v.Gain) || math.IsInf(v.Gain, 0) || v.Gain < 0:
		return nil, fmt.Errorf("gain %g, want 0 or more", v.Gain)
	case math.IsNaN(v.Send) || math.IsInf(v.Send, 0) || v.Send < 0:
		return nil, fmt.Errorf("send %g, want 0 or more", v.Send)
	case !(math.Abs(v.DriftPPM) <= maxDriftPPM):
		return nil, fmt.Errorf("drift %g ppm, want at most %d", v.DriftPPM, maxDriftPPM)
	case v.Cleanup.Gate && !(v.Cleanup.GateDB < 0):
		return nil, fmt.Errorf("gate at %g dBFS, want less than 0", v.Cleanup.GateDB)
	case v.Law != ConstantPower && v.Law != ConstantGain:
		return nil, fmt.Errorf("pan law %d is unknown", int(v.Law))
	}
	s := &voiceState{Voice: v, samples: samples, offset: v.Offset.Samples(media.MixRate)}
	l, r := v.Law.Gains(v.Pan)
	s.left, s.right = float32(l*v.Gain), float32(r*v.Gain)
	if v.DriftPPM != 0 {
		s.tab = tabs
		s.step = partsPerBillion + int64(math.Round(v.DriftPPM*1000))
		s.num = int64(v.Offset) * int64(media.MixRate)
	}
	for i := range s.fade {
		s.fade[i] = float32(math.Sin(math.Pi / 2 * (float64(i) + 0.5) / FadeSamples))
	}
	s.track = v.Cleanup.wrap(&sourceTrack{open: v.Open}, s.songTime)
	return s, nil
}

// partTime returns the part time of a song sample: whole sample frames and
// billionths.
func (s *voiceState) partTime(song int64) (whole, rest int64) {
	if s.tab == nil {
		return song + s.offset, 0
	}
	p := song*s.step + s.num
	whole = floorDiv(p, partsPerBillion)
	return whole, p - whole*partsPerBillion
}

// songTime returns the first song sample at or after a part time.
func (s *voiceState) songTime(part int64) int64 {
	if s.tab == nil {
		return part - s.offset
	}
	// part·1e9 can overflow for a day of sound; the float is good to a sample
	// and put right below.
	n := int64(math.Floor((float64(part)*partsPerBillion-float64(s.num))/float64(s.step))) - 2
	for {
		if w, _ := s.partTime(n); w >= part {
			return n
		}
		n++
	}
}

// render returns n sample frames of the voice in stereo from song sample from
// on, after clean-up, offset, fades, gain and pan; nil where it is silent.
func (s *voiceState) render(from int64, n int) ([][]float32, error) {
	if s.Gain == 0 {
		return nil, nil
	}
	first, rest := s.partTime(from)
	last, _ := s.partTime(from + int64(n))
	margin := 0
	if s.tab != nil {
		margin = s.tab.taps
	}
	if last+int64(margin) < 0 {
		return nil, nil
	}
	if end, known := s.track.end(); known && first-int64(margin) >= end {
		return nil, nil
	}
	for c := range s.out {
		if cap(s.out[c]) < n {
			s.out[c] = make([]float32, n)
		}
		s.out[c] = s.out[c][:n]
	}
	var err error
	if s.tab == nil {
		err = s.copyWindow(first, n)
	} else {
		err = s.interpolate(first, rest, int(last-first), n)
	}
	if err != nil {
		return nil, err
	}
	s.applyFades(from, n)
	return s.out[:], nil
}

// copyWindow fills out from whole samples. FadeSamples more are asked for, so
// that the end of the part is known before its fade begins.
func (s *voiceState) copyWindow(first int64, n int) error {
	w, err := s.track.window(first, n+FadeSamples+1)
	if err != nil {
		return err
	}
	l, r := w[0][:n], w[len(w)-1][:n]
	outL, outR := s.out[0][:n], s.out[1][:n]
	for i, v := range l {
		outL[i], outR[i] = v*s.left, r[i]*s.right
	}
	return nil
}

func (s *voiceState) interpolate(first, rest int64, span, n int) error {
	before := int64(s.tab.before())
	w, err := s.track.window(first-before, span+s.tab.taps+FadeSamples+2)
	if err != nil {
		return err
	}
	outL, outR := s.out[0], s.out[1]
	at := 0
	for i := range n {
		taps, slope, share := s.tab.row(float64(rest) / partsPerBillion)
		if len(w) == 1 {
			v := dot(w[0][at:], taps, slope, share)
			outL[i], outR[i] = v*s.left, v*s.right
		} else {
			l, r := dot2(w[0][at:], w[1][at:], taps, slope, share)
			outL[i], outR[i] = l*s.left, r*s.right
		}
		rest += s.step
		at += int(rest / partsPerBillion)
		rest %= partsPerBillion
	}
	return nil
}

// applyFades rounds off the voice where it begins and ends inside the song, or
// where the song begins and ends inside the voice.
func (s *voiceState) applyFades(from int64, n int) {
	start, stop := max(0, s.songTime(0)), s.samples
	if end, known := s.track.end(); known {
		stop = min(stop, s.songTime(end))
	}
	if from >= start+FadeSamples && from+int64(n) <= stop-FadeSamples {
		return
	}
	for i := range int64(n) {
		at, g := from+i, float32(1)
		// Filters ring beyond the ends; nothing sounds there.
		switch {
		case at < start || at >= stop:
			g = 0
		default:
			if at < start+FadeSamples {
				g = s.fade[at-start]
			}
			if at >= stop-FadeSamples {
				g *= s.fade[stop-1-at]
			}
		}
		if g != 1 {
			s.out[0][i] *= g
			s.out[1][i] *= g
		}
	}
}
