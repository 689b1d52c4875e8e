package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/choirless/render/align"
	"github.com/choirless/render/decode"
	"github.com/choirless/render/encode"
	"github.com/choirless/render/media"
	"github.com/choirless/render/mix"
	"github.com/choirless/render/plan"
)

// conversion is one pass over a recording: every packet is read once, the sound
// is decoded once and goes into file, level meter and features.
type conversion struct {
	ctx      context.Context
	raw      recording
	facts    media.Facts
	threads  int
	pcm      bool // not FLAC
	pictured int  // how many pictures compete to be the best
	progress func(float64)

	reader   *decode.Reader
	out      *encode.Converted
	resample *mix.Resampler
	level    *mix.LevelMeter
	extract  *align.Extractor
	mono     []float32
	samples  int64 // written at media.MixRate
	pictures int
	warnings []string

	features []byte
	unusable string
	best     *media.Frame // the snapshot; nil for none
}

// make writes the converted file from the beginning and reads it back. It returns
// why the pictures must be coded once more, "" when they need not or have been.
func (c *conversion) make(tmp *os.File, reencode bool) (again string, err error) {
	c.best = nil
	if err := c.run(tmp, reencode); err != nil || c.facts.Video == nil {
		return "", err
	}
	if again, err = c.check(tmp); reencode {
		again = ""
	}
	return again, err
}

// run writes the converted file from the beginning.
func (c *conversion) run(tmp *os.File, reencode bool) (err error) {
	if err := errors.Join(tmp.Truncate(0), rewind(tmp)); err != nil {
		return err
	}
	size, err := c.raw.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	if err := rewind(c.raw); err != nil {
		return err
	}
	c.samples, c.pictures, c.resample, c.unusable, c.features = 0, 0, nil, "", nil
	copyPicture := c.facts.Video != nil && !reencode
	var pictures func(*decode.CodedPicture) error
	if copyPicture {
		pictures = func(p *decode.CodedPicture) error {
			c.pictures++
			return c.out.WriteCoded(p, decode.CodedTimeBase)
		}
	}
	if c.reader, err = decode.OpenReader(c.ctx, c.raw, pictures); err != nil {
		return err
	}
	defer c.reader.Close()
	o := encode.ConvertedOptions{Threads: c.threads, PCM: c.pcm}
	if v := c.facts.Video; v != nil {
		o.Rotation = v.Rotation
	}
	if copyPicture {
		o.Picture = c.reader.Picture()
	}
	if s := c.reader.Sound(); s != nil && c.facts.Audio != nil {
		o.Channels = min(s.Channels(), 2)
		c.resample = mix.NewResampler(s.Rate(), media.MixRate, o.Channels)
		c.level, c.extract = mix.NewLevelMeter(media.MixRate), align.NewExtractor(media.MixRate)
	}
	var again *recoding
	if c.facts.Video != nil && reencode {
		if again, err = newRecoding(c.ctx, c.raw, size, c.threads); err != nil {
			return err
		}
		defer again.close()
		o.Like = again.next
	}
	if c.out, err = encode.NewConverted(tmp, o); err != nil {
		return err
	}
	defer c.out.Discard()
	if err := c.pass(again); err != nil {
		return err
	}
	return c.out.Close()
}

func rewind(s io.Seeker) error {
	_, err := s.Seek(0, io.SeekStart)
	return err
}

// pass reads all of the recording into the file.
func (c *conversion) pass(again *recoding) error {
	for {
		b, err := c.reader.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		if c.resample == nil {
			continue // sound that is left out
		}
		now := b.Rate.Duration(b.Start)
		if err := c.soundBlock(mix.FoldDown(b)); err != nil {
			return err
		}
		if c.facts.Duration > 0 {
			c.progress(5 + 85*min(float64(now)/float64(c.facts.Duration), 1))
		}
		if err := again.write(c.out, now); err != nil {
			return err
		}
	}
	if err := again.write(c.out, 1<<62); err != nil {
		return err
	}
	c.pictures += again.written()
	c.warnings = append(c.reader.Warnings(), again.warnings()...)
	if c.resample == nil {
		return nil
	}
	if err := c.emit(c.resample.Flush()); err != nil {
		return err
	}
	return c.finishFeatures()
}

func (c *conversion) soundBlock(b media.Block) error {
	return c.emit(c.resample.Process(b.Channels))
}

// emit takes sound at the mix's rate.
func (c *conversion) emit(channels [][]float32) error {
	b := media.Block{Start: c.samples, Rate: media.MixRate, Channels: channels}
	n := b.Len()
	if n == 0 {
		return nil
	}
	c.samples += int64(n)
	if end := media.MixRate.Duration(c.samples); end > media.LongestPart {
		return &decode.RejectError{Reason: fmt.Sprintf("its sound lasts longer than %.0f hours", media.LongestPart.Hours())}
	}
	c.level.Write(b)
	mono := channels[0]
	if len(channels) == 2 {
		c.mono = append(c.mono[:0], channels[0]...)
		for i, v := range channels[1] {
			c.mono[i] = (c.mono[i] + v) / 2
		}
		mono = c.mono
	}
	c.extract.Write(mono)
	return c.out.WriteSound(b)
}

// finishFeatures keeps the features, or why there are none.
func (c *conversion) finishFeatures() error {
	f, err := c.extract.Finish()
	switch {
	case errors.Is(err, align.ErrSilent):
		c.unusable = "silent"
		return nil
	case errors.Is(err, align.ErrTooShort):
		c.unusable = fmt.Sprintf("shorter than %g s", align.MinDuration.Seconds())
		return nil
	case err != nil:
		return err
	}
	c.features, err = f.MarshalBinary()
	return err
}

// check reads the converted file back and chooses its best picture, for which it
// goes to several places in it. It returns why the pictures that were taken over do
// not do, or "".
func (c *conversion) check(tmp *os.File) (reencode string, err error) {
	if err := rewind(tmp); err != nil {
		return "", err
	}
	f, best, err := decode.Survey(c.ctx, tmp, c.pictured)
	if err != nil {
		if c.ctx.Err() != nil {
			return "", err
		}
		return err.Error(), nil
	}
	c.best = best
	switch v, was := f.Video, c.facts.Video; {
	case v == nil:
		return "the picture is lost in Matroska", nil
	case v.Frames != was.Frames:
		return fmt.Sprintf("%d pictures of %d arrive in Matroska", v.Frames, was.Frames), nil
	case (v.Start - was.Start).Abs() > 2*time.Millisecond:
		return "the first picture moves in Matroska", nil
	case v.Width != was.Width || v.Height != was.Height || v.Rotation != was.Rotation:
		return "size or rotation is lost in Matroska", nil
	case best == nil:
		return "no picture can be decoded from Matroska", nil
	}
	return "", nil
}

// result states the facts on the time line of the converted file.
func (c *conversion) result(reencode string) plan.IngestResult {
	f := c.facts
	f.Warnings = append(append([]string(nil), f.Warnings...), c.warnings...)
	if reencode != "" {
		f.Warnings = append(f.Warnings, "picture coded once more: "+reencode)
	}
	if f.Video != nil {
		v := *f.Video
		if reencode != "" {
			v.Frames = c.pictures
		}
		f.Video = &v
	}
	res := plan.IngestResult{Reencode: reencode != "", Features: c.features != nil, Unusable: c.unusable}
	if c.resample != nil && f.Audio != nil {
		s := *f.Audio
		s.End = media.MixRate.Duration(c.samples)
		f.Audio = &s
		res.Level, res.Rests = c.level.Level(), c.level.Rests()
		if c.unusable != "silent" { // which says so already
			for _, fault := range mix.Faults(res.Level) {
				f.Warnings = append(f.Warnings, "sound: "+fault)
			}
		}
	} else {
		f.Audio = nil
		res.Level = media.Level{LUFS: -70, PeakDB: -120, NoiseDB: -120, Silent: true}
		res.Unusable = "no sound"
	}
	f.Duration = f.End()
	res.Facts = f
	return res
}

// recoding feeds decoded pictures to a converted file that cannot take the
// coded ones over. A nil recoding has none.
type recoding struct {
	v    *decode.Video
	next *media.Frame // not written yet; nil at the end
	n    int
}

// newRecoding opens the picture of raw at a position of its own.
func newRecoding(ctx context.Context, raw io.ReaderAt, size int64, threads int) (*recoding, error) {
	v, err := decode.OpenVideo(ctx, io.NewSectionReader(raw, 0, size), decode.VideoOptions{Threads: threads})
	if err != nil {
		return nil, err
	}
	first, err := v.Read()
	if err != nil {
		v.Close()
		return nil, err
	}
	return &recoding{v: v, next: first}, nil
}

func (r *recoding) close() { r.v.Close() }

// write writes the pictures up to part time t.
func (r *recoding) write(out *encode.Converted, t time.Duration) error {
	for r != nil && r.next != nil && r.next.Time <= t {
		if err := out.WritePicture(r.next); err != nil {
			return err
		}
		r.n++
		next, err := r.v.Read()
		if err == io.EOF {
			r.next = nil
			return nil
		}
		if err != nil {
			return err
		}
		r.next = next
	}
	return nil
}

func (r *recoding) written() int {
	if r == nil {
		return 0
	}
	return r.n
}

func (r *recoding) warnings() []string {
	if r == nil {
		return nil
	}
	return r.v.Warnings()
}
