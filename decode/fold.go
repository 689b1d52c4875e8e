package decode

import (
	"fmt"
	"math"

	"github.com/choirless/render/internal/av"
	"github.com/choirless/render/media"
)

// Sound of more than two channels is brought into one order, 5.1 as media.Block has it, by
// position: what has no place of its own goes to the nearest, at -3 dB when two
// places share it.

// tap adds channel in, times gain, to an output channel.
type tap struct {
	in   int
	gain float32
}

// fold maps the channels of a frame to out channels: 1, 2 or 6.
type fold struct {
	out  int
	in   int // channels that taps was made for
	taps [][]tap
	// step is source samples per output sample, 1 unless the rate changed in
	// the middle of the recording.
	step float64
	tmp  []float32
}

var minus3dB = float32(math.Sqrt(0.5))

// place51 says where a position belongs in L R C LFE Ls Rs.
func place51(c av.Channel) []tap {
	switch c {
	case av.FrontLeft, av.NearLeft, av.StereoLeft, av.TopFrontLeft:
		return []tap{{0, 1}}
	case av.FrontRight, av.NearRight, av.StereoRight, av.TopFrontRight:
		return []tap{{1, 1}}
	case av.FrontCenter:
		return []tap{{2, 1}}
	case av.LowFrequency, av.LowFrequency2:
		return []tap{{3, 1}}
	case av.BackLeft, av.SideLeft, av.TopBackLeft:
		return []tap{{4, 1}}
	case av.BackRight, av.SideRight, av.TopBackRight:
		return []tap{{5, 1}}
	case av.BackCenter:
		return []tap{{4, minus3dB}, {5, minus3dB}}
	}
	return []tap{{2, 1}}
}

// down51 is how L R C LFE Ls Rs sound on one and two channels (ITU-R BS.775-3,
// table 2), for a recording that changes its layout on the way.
var down51 = map[int][][]float32{
	1: {{0.5, 0.5, minus3dB, 0, 0.35, 0.35}},
	2: {{1, 0, minus3dB, 0, minus3dB, 0}, {0, 1, minus3dB, 0, 0, minus3dB}},
}

// set prepares for a frame, whose layout and rate may differ from the last one's.
func (m *fold) set(f *av.Frame, rate media.SampleRate) error {
	n := f.Channels()
	if n < 1 || f.Rate() < 1 {
		return fmt.Errorf("decode: sound of %d channels at %d Hz", n, f.Rate())
	}
	m.step = float64(f.Rate()) / float64(rate)
	if n == m.in {
		return nil
	}
	m.in = n
	m.taps = make([][]tap, m.out)
	switch {
	case n == m.out && n <= 2:
		for i := range n {
			m.taps[i] = []tap{{i, 1}}
		}
	case n == 1 && m.out == 2:
		m.taps = [][]tap{{{0, 1}}, {{0, 1}}}
	case n == 2 && m.out == 1:
		m.taps = [][]tap{{{0, 0.5}, {1, 0.5}}}
	default:
		m.wide(f, n)
	}
	return nil
}

// wide makes the taps when either side has more than two channels.
func (m *fold) wide(f *av.Frame, n int) {
	var to51 [6][]tap
	shared := map[int]int{}
	add := func(in int, places []tap) {
		for _, p := range places {
			to51[p.in] = append(to51[p.in], tap{in, p.gain})
			shared[p.in]++
		}
	}
	for i := range n {
		c := f.Channel(i)
		if c == av.ChannelUnknown { // libav's own order for so many channels
			c = [...]av.Channel{av.FrontLeft, av.FrontRight, av.FrontCenter, av.LowFrequency, av.BackLeft, av.BackRight}[min(i, 5)]
		}
		add(i, place51(c))
	}
	for place, taps := range to51 {
		if shared[place] > 1 {
			for i := range taps {
				taps[i].gain *= minus3dB
			}
		}
	}
	if m.out == 6 {
		m.taps = to51[:]
		return
	}
	for o, gains := range down51[m.out] {
		for place, g := range gains {
			for _, t := range to51[place] {
				if g != 0 {
					m.taps[o] = append(m.taps[o], tap{t.in, t.gain * g})
				}
			}
		}
	}
}

// samples returns how many samples the frame has at the output's rate.
func (m *fold) samples(f *av.Frame) int {
	if m.step == 1 {
		return f.Samples()
	}
	return int(math.Round(float64(f.Samples()) / m.step))
}

// read writes the samples of f from the first on into out.
func (m *fold) read(f *av.Frame, first int, out [][]float32) error {
	n := len(out[0])
	for o, dst := range out {
		taps := m.taps[o]
		if len(taps) == 1 && taps[0].gain == 1 && m.step == 1 {
			if err := f.Float(taps[0].in, first, dst); err != nil {
				return err
			}
			continue
		}
		clear(dst)
		for _, t := range taps {
			src, err := m.channel(f, t.in, first, n)
			if err != nil {
				return err
			}
			for i, v := range src {
				dst[i] += v * t.gain
			}
		}
	}
	return nil
}

// channel returns n samples of one channel from the first on. A rate that
// changed on the way is bridged by straight lines between samples: rare, short
// of good, but in time.
func (m *fold) channel(f *av.Frame, ch, first, n int) ([]float32, error) {
	if m.step == 1 {
		m.tmp = grow(m.tmp, n)
		return m.tmp, f.Float(ch, first, m.tmp)
	}
	m.tmp = grow(m.tmp, f.Samples()+n)
	src, dst := m.tmp[:f.Samples()], m.tmp[f.Samples():]
	if err := f.Float(ch, 0, src); err != nil {
		return nil, err
	}
	for i := range dst {
		x := float64(first+i) * m.step
		k := min(int(x), len(src)-1)
		v, w := src[k], src[min(k+1, len(src)-1)]
		dst[i] = v + (w-v)*float32(x-float64(k))
	}
	return dst, nil
}
