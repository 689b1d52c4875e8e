package coordinator

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path"
	"slices"

	"github.com/choirless/render/bucket"
	"github.com/choirless/render/decode"
	"github.com/choirless/render/definition"
	"github.com/choirless/render/encode"
	"github.com/choirless/render/media"
	"github.com/choirless/render/mix"
	"github.com/choirless/render/plan"
	"github.com/choirless/render/stitch"
)

// The master is made, encoded, decoded again and measured: a lossy coder moves
// peaks, by some tenths of a decibel and rarely by more than one, and what people
// hear is what their player decodes. When a decoded peak is above the ceiling the
// master is made again with its own ceiling lowered by as much, at most maxRemaster
// times; each time costs about a fiftieth of real time.
const (
	maxRemaster   = 3
	peakTolerance = 0.01 // dB
	peakSpare     = 0.05 // dB more than needed, so that one correction is enough
	// loudnessTolerance is how far below its target, in LU, a final is not worth a word.
	loudnessTolerance = 0.5
)

// The encoded sound lies in a scratch file as ADTS (ISO/IEC 14496-3, 1.A.2), which
// any decoder reads and which keeps the memory apart from the length of the song.
const adtsHeader = 7

// bitrate is that of the final's sound, bit/s.
const bitrate = 192000

// master masters the sum of the sounds and encodes it.
func (f *finisher) master(ctx context.Context) (*stitch.Audio, error) {
	o, warnings, err := f.c.MasterOptions(ctx, f.plan.Master)
	if err != nil {
		return nil, err
	}
	f.warnings = append(f.warnings, warnings...)
	ceiling := o.Ceiling // of the final; that of the master goes down with each try
	for try := 0; ; try++ {
		audio, mastered, err := f.encode(ctx, o)
		if err != nil {
			return nil, err
		}
		loud, err := measure(ctx, f.soundFile())
		if err != nil {
			return nil, fmt.Errorf("measuring: %w", err)
		}
		f.out.LUFS, f.out.TruePeak, f.out.Range = max(mix.FloorLUFS, float64(loud.Integrated())), max(mix.FloorDB, float64(loud.TruePeak())), loud.Range()
		f.out.Silent, f.out.SoundRetry = mastered.Silent, try
		over := loud.TruePeak() - ceiling
		if over > peakTolerance && !mastered.Silent && try < maxRemaster {
			o.Ceiling -= over + peakSpare
			continue
		}
		f.warnOfMaster(o.Target, ceiling)
		return audio, nil
	}
}

// warnOfMaster says what the final has not of what was asked for.
func (f *finisher) warnOfMaster(target mix.LUFS, ceiling mix.DBTP) {
	warn := func(format string, args ...any) {
		f.warnings = append(f.warnings, plan.PartWarning{Text: fmt.Sprintf(format, args...)})
	}
	if f.out.Silent {
		return
	}
	if over := f.out.TruePeak - float64(ceiling); over > peakTolerance {
		warn("the true peak of the final is %.2f dBTP, %.2f above its ceiling", f.out.TruePeak, over)
	}
	if f.out.LUFS < float64(target)-loudnessTolerance {
		warn("the loudness of the final is %.1f LUFS, asked for were %.1f: more would take over 40 dB of gain, or flatten it under a true peak of %g dBTP", f.out.LUFS, float64(target), float64(ceiling))
	}
}

// impulseFiles are the names, in the misc bucket, that a person's own impulse
// response may have, which may be asked for with or without its extension; none when the room is one of ours, or dry.
func impulseFiles(m plan.Master) []string {
	if m.Wet == 0 || m.Room == "" || slices.Contains(mix.RoomNames(), m.Room) {
		return nil
	}
	if ext := path.Ext(m.Room); ext == ".wav" || ext == ".flac" {
		return []string{m.Room}
	}
	return []string{m.Room + ".wav", m.Room + ".flac"}
}

// MasterOptions returns how a plan's sound is finished: its room, or a person's
// own impulse response from the misc bucket. One that is not there, or cannot be
// read, is replaced by the hall, with a warning.
func (c *Coordinator) MasterOptions(ctx context.Context, m plan.Master) (o mix.MasterOptions, warnings []plan.PartWarning, err error) {
	o = mix.MasterOptions{Room: m.Room, Wet: m.Wet, Target: mix.LUFS(m.Target), Ceiling: mix.DBTP(m.Ceiling)}
	files := impulseFiles(m)
	if len(files) == 0 {
		return o, nil, nil
	}
	o.Room = mix.DefaultRoom
	for _, name := range files {
		file, _, err := c.read(ctx, definition.BucketMisc, name)
		if errors.Is(err, bucket.ErrNotFound) {
			continue
		} else if err != nil {
			return o, nil, err
		}
		if o.IR, err = mix.ReadIR(name, bytes.NewReader(file)); err != nil {
			text := fmt.Sprintf("%v: the %s is used", err, o.Room)
			return o, []plan.PartWarning{{Text: text}}, nil
		}
		return o, nil, nil
	}
	text := fmt.Sprintf("impulse response %q: not found, the %s is used; known: %v", m.Room, o.Room, mix.RoomNames())
	return o, []plan.PartWarning{{Text: text}}, nil
}

// encode masters once and writes the coded sound into the scratch file.
func (f *finisher) encode(ctx context.Context, o mix.MasterOptions) (_ *stitch.Audio, m mix.Mastered, err error) {
	coder, err := encode.NewAAC(media.MixRate, 2, bitrate)
	if err != nil {
		return nil, m, err
	}
	defer coder.Close()
	path := f.soundFile()
	file, err := os.Create(path)
	if err != nil {
		return nil, m, err
	}
	defer file.Close()
	spool := &adtsWriter{w: bufio.NewWriter(file), config: coder.Config()}
	var start int64
	m, err = mix.Master(ctx, f.sums(ctx), f.plan.Samples, o, func(stereo [][]float32) error {
		packets, err := coder.Write(media.Block{Start: start, Rate: media.MixRate, Channels: stereo})
		start += int64(len(stereo[0]))
		if err != nil {
			return err
		}
		return spool.write(packets)
	})
	if err != nil {
		return nil, m, err
	}
	rest, err := coder.Flush()
	if err != nil {
		return nil, m, err
	}
	if err := errors.Join(spool.write(rest), spool.w.Flush(), file.Close()); err != nil {
		return nil, m, err
	}
	return &stitch.Audio{
		Config: coder.Config(), Packets: adtsPackets(path), Priming: coder.Priming(),
		Samples: f.plan.Samples, Rate: media.MixRate, Channels: 2,
	}, m, nil
}

// sums opens the dry sums of the stripes.
func (f *finisher) sums(ctx context.Context) []func() (mix.Source, error) {
	var all []func() (mix.Source, error)
	for i := range f.plan.Sounds {
		open := f.open(ctx, f.plan.Sound(i).Sound.Out)
		all = append(all, func() (mix.Source, error) {
			r, err := open()
			if err != nil {
				return nil, err
			}
			w, err := mix.OpenWAV(r)
			if err != nil {
				return nil, errors.Join(err, r.Close())
			}
			return w, nil
		})
	}
	return all
}

// measure decodes the coded sound and measures it as a player would play it.
func measure(ctx context.Context, path string) (*mix.Meter, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	a, err := decode.OpenAudio(ctx, file)
	if err != nil {
		return nil, err
	}
	defer a.Close()
	m := mix.NewMeter(a.Rate(), a.Channels())
	for {
		b, err := a.Read()
		if errors.Is(err, io.EOF) {
			return m, nil
		} else if err != nil {
			return nil, err
		}
		m.Write(b.Channels)
	}
}

// adtsWriter writes access units with ADTS headers.
type adtsWriter struct {
	w      *bufio.Writer
	config []byte // AudioSpecificConfig
}

func (a *adtsWriter) write(packets []encode.Packet) error {
	if len(packets) > 0 && len(a.config) < 2 {
		return errors.New("aac: no AudioSpecificConfig")
	}
	for _, p := range packets {
		size := len(p.Data) + adtsHeader
		if size >= 1<<13 {
			return fmt.Errorf("aac: access unit of %d bytes, ADTS holds less than %d", size, 1<<13)
		}
		// AudioSpecificConfig: 5 bits object type, 4 bits frequency index, 4 bits channels.
		object, freq, channels := a.config[0]>>3, a.config[0]&7<<1|a.config[1]>>7, a.config[1]>>3&15
		h := [adtsHeader]byte{
			0xff, 0xf1, // syncword, MPEG-4, no CRC
			(object-1)<<6 | freq<<2 | channels>>2,
			channels<<6 | byte(size>>11),
			byte(size >> 3),
			byte(size<<5) | 0x1f, // buffer fullness 0x7ff: variable rate
			0xfc,
		}
		if _, err := a.w.Write(h[:]); err != nil {
			return err
		}
		if _, err := a.w.Write(p.Data); err != nil {
			return err
		}
	}
	return nil
}

// adtsPackets reads back what adtsWriter wrote.
func adtsPackets(path string) iter.Seq2[stitch.AudioPacket, error] {
	return func(yield func(stitch.AudioPacket, error) bool) {
		file, err := os.Open(path)
		if err != nil {
			yield(stitch.AudioPacket{}, err)
			return
		}
		defer file.Close()
		r := bufio.NewReader(file)
		var h [adtsHeader]byte
		var data []byte
		for {
			if _, err := io.ReadFull(r, h[:]); err != nil {
				if !errors.Is(err, io.EOF) {
					yield(stitch.AudioPacket{}, err)
				}
				return
			}
			size := int(h[3]&3)<<11 | int(h[4])<<3 | int(h[5])>>5
			if size < adtsHeader {
				yield(stitch.AudioPacket{}, fmt.Errorf("aac: access unit of %d bytes", size))
				return
			}
			data = append(data[:0], make([]byte, size-adtsHeader)...)
			if _, err := io.ReadFull(r, data); err != nil {
				yield(stitch.AudioPacket{}, err)
				return
			}
			if !yield(stitch.AudioPacket{Data: data, Duration: 1024}, nil) {
				return
			}
		}
	}
}
