package mix

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/choirless/render/media"
)

// MasterOptions says how the final sound is made.
type MasterOptions struct {
	// Room names a synthesised room (RoomNames); unused when IR is set. "" is "hall".
	Room string
	// IR is a person's own impulse response.
	IR *IR
	// Wet is the reverberated share of the energy, 0 (bit-exact dry) to 1. The
	// loudness stays the same: dry times √(1-Wet) plus reverb times √Wet.
	Wet float64
	// Target is the integrated loudness wanted, -70 to -5.
	Target LUFS
	// Ceiling is the largest true peak allowed, -120 to 0.
	Ceiling DBTP
	// Stems, when set, is handed the dry sum and the reverb as they are added,
	// before gain and limiter. Blocks are valid until it returns.
	Stems func(dry, wet [][]float32) error
}

const (
	DefaultRoom = "hall"

	// silentInput is the loudness below which there is nothing worth raising: the
	// hiss of a microphone that nobody sang into stays what it is.
	silentInput LUFS = -60
	// maxGainDB bounds how far a quiet song is raised.
	maxGainDB = 40
	// maxPushDB bounds how far a song is raised into the limiter, beyond the gain that
	// would do without one. Where target and ceiling are too near to each other for the
	// song, more takes away its dynamics and gives next to nothing.
	maxPushDB = 6
	// holdSamples is how long a song may be (sample frames, 2 min 54 s) for its
	// mixed sound to be held between the passes (8 bytes each, 64 MiB). A longer
	// one is read, added up and reverberated once more instead.
	holdSamples = 1 << 23
	// endFade rounds off reverberation that the end of the song cuts: 50 ms.
	endFade = 2400
)

// Mastered is what came out.
type Mastered struct {
	Integrated LUFS    `json:"lufs"`       // of the output; silence is given as -70
	Range      float64 `json:"lra_lu"`     // loudness range, LU
	TruePeak   DBTP    `json:"dbtp"`       // of the output; silence is given as -120
	GainDB     float64 `json:"gain_db"`    // linear gain that was applied
	LimitDB    float64 `json:"limit_db"`   // largest reduction by the limiter, 0 or more
	InputLUFS  LUFS    `json:"input_lufs"` // before gain, reverb included; silence is given as -70
	Silent     bool    `json:"silent"`     // nothing to hear: no gain was applied
}

// Master makes the final sound of a song of the given number of sample frames
// from the sums of its voices. An input has two channels, or four with the
// reverb send in channels 3 and 4, and at least samples sample frames. Inputs
// are added in the order given; each is opened, read and closed up to three
// times.
//
// The first pass measures, then one gain is chosen for the whole song such that
// the loudness is Target after a look-ahead limiter has kept the true peak
// under Ceiling; the last pass applies both and hands the result to sink in
// blocks that are valid until it returns. (A song that ends far quieter than it
// began is measured once more in between.) A song below -60 LUFS is left as it is,
// and one stays below Target that would need more than 40 dB of gain, or 6 dB to make
// up for the limiter, or that the limiter has made as loud as it can be.
//
// It may block, and needs about 30 MB for a church, besides 64 MiB for songs
// under three minutes (see holdSamples). An error names the input by its index.
func Master(ctx context.Context, inputs []func() (Source, error), samples int64, o MasterOptions,
	sink func(stereo [][]float32) error,
) (Mastered, error) {
	if err := o.check(); err != nil {
		return Mastered{}, fmt.Errorf("master: %w", err)
	}
	p, err := newProgram(inputs, samples, o)
	if err != nil {
		return Mastered{}, fmt.Errorf("master: %w", err)
	}
	meter := newHopMeter(samples, o.Target, o.Ceiling)
	var held [2][]float32
	hold := samples <= holdSamples
	if hold {
		held[0], held[1] = make([]float32, 0, samples), make([]float32, 0, samples)
	}
	if err := p.play(ctx, o.Stems, func(_ int64, y [][]float32) error {
		meter.write(y)
		for c := range held {
			if hold {
				held[c] = append(held[c], y[c]...)
			}
		}
		return nil
	}); err != nil {
		return Mastered{}, fmt.Errorf("master: %w", err)
	}
	again := func(each func(from int64, y [][]float32) error) error {
		if hold {
			return replay(ctx, held[:], each)
		}
		return p.play(ctx, nil, each)
	}
	out, reduction, err := decide(meter, samples, o, again)
	if err != nil {
		return Mastered{}, fmt.Errorf("master: %w", err)
	}
	final := NewMeter(media.MixRate, 2)
	finish := func(from int64, y [][]float32) error {
		applyGain(y, from, out.GainDB, reduction)
		final.Write(y)
		return sink(y)
	}
	if err := again(finish); err != nil {
		return Mastered{}, fmt.Errorf("master: %w", err)
	}
	out.Integrated = max(FloorLUFS, final.Integrated())
	out.Range = final.Range()
	out.TruePeak = max(FloorDB, final.TruePeak())
	return out, nil
}

// decide finds gain and reduction from what was measured, and measures again
// (which is rare: a song that fades away) when peaks were passed over that matter
// after all.
func decide(meter *hopMeter, samples int64, o MasterOptions,
	again func(func(int64, [][]float32) error) error,
) (out Mastered, reduction []float32, err error) {
	for {
		table := meter.finish()
		out = Mastered{}
		out.InputLUFS = max(FloorLUFS, table.loudness(0, make([]float32, len(table.energy)+1)))
		out.Silent = out.InputLUFS < silentInput
		if out.Silent {
			reduction = table.reduction(0, float64(o.Ceiling))
		} else {
			out.GainDB, reduction = table.solve(o.Target, o.Ceiling, out.InputLUFS)
		}
		next, ok := meter.lowEnough(samples, out.GainDB, float64(o.Ceiling))
		if ok {
			break
		}
		meter = next
		if err := again(func(_ int64, y [][]float32) error { meter.write(y); return nil }); err != nil {
			return out, nil, err
		}
	}
	for _, r := range reduction {
		out.LimitDB = max(out.LimitDB, float64(r))
	}
	return out, reduction, nil
}

func replay(ctx context.Context, held [][]float32, each func(from int64, y [][]float32) error) error {
	for at := 0; at < len(held[0]); at += ConvolveBlock {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		end := min(len(held[0]), at+ConvolveBlock)
		if err := each(int64(at), [][]float32{held[0][at:end], held[1][at:end]}); err != nil {
			return err
		}
	}
	return nil
}

// program is the sum of the inputs with reverb: the same each time it is played.
type program struct {
	inputs   []func() (Source, error)
	samples  int64
	ir       *IR
	dry, wet float64
	out      [2][]float32 // scratch
}

func (o MasterOptions) check() error {
	switch {
	case !(o.Target >= FloorLUFS && o.Target <= -5):
		return fmt.Errorf("target %g LUFS, want -70 to -5", float64(o.Target))
	case !(o.Ceiling >= FloorDB && o.Ceiling <= 0):
		return fmt.Errorf("ceiling %g dBTP, want -120 to 0", float64(o.Ceiling))
	}
	return nil
}

func newProgram(inputs []func() (Source, error), samples int64, o MasterOptions) (*program, error) {
	switch {
	case samples < 0:
		return nil, fmt.Errorf("%d samples, want 0 or more", samples)
	case !(o.Wet >= 0 && o.Wet <= 1):
		return nil, fmt.Errorf("wet share %g, want 0 to 1", o.Wet)
	}
	p := &program{inputs: inputs, samples: samples, dry: 1}
	if o.Wet == 0 {
		return p, nil
	}
	p.ir = o.IR
	if p.ir == nil {
		name := o.Room
		if name == "" {
			name = DefaultRoom
		}
		var err error
		if p.ir, err = Room(name); err != nil {
			return nil, err
		}
	}
	p.dry, p.wet = p.ir.wetDry(o.Wet)
	return p, nil
}

// play hands the program to each, block by block with the song time of its
// beginning. stems may be nil.
func (p *program) play(ctx context.Context, stems func(dry, wet [][]float32) error,
	each func(from int64, y [][]float32) error,
) (err error) {
	pullers := make([]*puller, len(p.inputs))
	defer func() {
		for i, in := range pullers {
			if in == nil {
				continue
			}
			if cerr := in.src.Close(); cerr != nil && err == nil {
				err = fmt.Errorf("input %d: close: %w", i, cerr)
			}
		}
	}()
	for i, open := range p.inputs {
		src, err := open()
		if err != nil {
			return fmt.Errorf("input %d: open: %w", i, err)
		}
		pullers[i] = &puller{src: src}
	}
	var conv *Convolver
	if p.wet != 0 {
		conv = p.ir.masterConvolver()
	}
	sum := make([][]float32, 4)
	for c := range sum {
		sum[c] = make([]float32, ConvolveBlock)
	}
	for at := int64(0); at < p.samples; at += ConvolveBlock {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		n := int(min(ConvolveBlock, p.samples-at))
		for c := range sum {
			clear(sum[c])
		}
		for i, in := range pullers {
			if err := in.add(sum, n); err != nil {
				return fmt.Errorf("input %d: at sample frame %d: %w", i, at, err)
			}
		}
		y := p.blend(conv, sum, at, n)
		if stems != nil {
			if err := stems([][]float32{sum[0][:n], sum[1][:n]}, [][]float32{sum[2][:n], sum[3][:n]}); err != nil {
				return err
			}
		}
		if err := each(at, y); err != nil {
			return err
		}
	}
	return nil
}

// blend turns a block of dry sum and send into the program. Afterwards sum
// holds the scaled dry signal and the scaled reverb.
func (p *program) blend(conv *Convolver, sum [][]float32, at int64, n int) [][]float32 {
	y := make([][]float32, 2)
	for c := range y {
		if p.out[c] == nil {
			p.out[c] = make([]float32, ConvolveBlock)
		}
		y[c] = p.out[c][:n]
	}
	if conv == nil {
		for c := range y {
			copy(y[c], sum[c][:n])
			clear(sum[2+c])
		}
		return y
	}
	wet := conv.Process(sum[2:4])
	a, b := float32(p.dry), float32(p.wet)
	for c := range y {
		d, w := sum[c][:n], sum[2+c][:n]
		for i, v := range wet[c][:n] {
			g := float32(1)
			if left := p.samples - 1 - at - int64(i); left < endFade {
				g = float32(math.Sin(math.Pi / 2 * float64(left) / endFade))
			}
			d[i] *= a * g
			w[i] = v * b * g
			y[c][i] = d[i] + w[i]
		}
	}
	return y
}

// puller reads a Source in blocks of the master's size.
type puller struct {
	src  Source
	rest [][]float32 // unread samples of the last block
}

// add adds the next n sample frames to sum: channels 1 and 2 to the dry sum,
// and to the send either channels 3 and 4 or, if there are none, the same.
func (p *puller) add(sum [][]float32, n int) error {
	for at := 0; at < n; {
		if len(p.rest) == 0 || len(p.rest[0]) == 0 {
			b, err := p.src.Read()
			if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
				return fmt.Errorf("ends %d sample frames early", n-at)
			}
			if err != nil {
				return err
			}
			if b.Rate != media.MixRate || len(b.Channels) != 2 && len(b.Channels) != 4 {
				return fmt.Errorf("%d channels at %d Hz, want 2 or 4 at %d", len(b.Channels), b.Rate, media.MixRate)
			}
			p.rest = append(p.rest[:0], b.Channels...)
		}
		take := min(n-at, len(p.rest[0]))
		for c := range sum {
			to, from := sum[c][at:at+take], p.rest[c%len(p.rest)][:take]
			for i, v := range from {
				to[i] += finite(v)
			}
		}
		for c := range p.rest {
			p.rest[c] = p.rest[c][take:]
		}
		at += take
	}
	return nil
}
