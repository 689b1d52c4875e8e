package chaos

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"math"

	"github.com/choirless/render/coordinator/status"
	"github.com/choirless/render/decode"
	"github.com/choirless/render/definition"
	"github.com/choirless/render/media"
	"github.com/choirless/render/store"
)

// final is what a final shows and sounds like.
type final struct {
	Pictures, Samples string // hashes of all decoded pictures and samples
	Frames            int
	Seconds           float64 // of sound
}

// errMoved says that the final was replaced while it was looked at.
var errMoved = errors.New("the final has changed")

// final decodes the final of a song, which must be the one its newest render wrote.
func (b *bench) final(ctx context.Context, s *song, st status.Song) (final, error) {
	if st.Output == nil {
		return final{}, fmt.Errorf("song %s is done without output", s.id.Song)
	}
	info, file, err := b.object(ctx, definition.BucketFinal, st.Output.Final)
	if err != nil {
		return final{}, errors.Join(errMoved, err)
	}
	defer file.Close()
	if info.ETag != st.Output.ETag {
		return final{}, errMoved // the reconciliation finds it
	}
	var f final
	if f.Pictures, f.Frames, err = pictures(ctx, file); err != nil {
		return f, err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return f, err
	}
	f.Samples, f.Seconds, err = samples(ctx, file)
	return f, err
}

func pictures(ctx context.Context, r io.ReadSeeker) (string, int, error) {
	v, err := decode.OpenVideo(ctx, r, decode.VideoOptions{Threads: 1})
	if err != nil {
		return "", 0, err
	}
	defer v.Close()
	h := sha256.New()
	for n := 0; ; n++ {
		f, err := v.Read()
		if errors.Is(err, io.EOF) {
			return hex.EncodeToString(h.Sum(nil)), n, nil
		} else if err != nil {
			return "", n, err
		}
		hashPicture(h, f)
	}
}

func hashPicture(h hash.Hash, f *media.Frame) {
	fmt.Fprintln(h, f.Time, f.Width(), f.Height())
	for _, p := range f.Planes {
		for y := range p.Height {
			h.Write(p.Data[y*p.Stride:][:p.Width])
		}
	}
}

func samples(ctx context.Context, r io.ReadSeeker) (string, float64, error) {
	a, err := decode.OpenAudio(ctx, r)
	if err != nil {
		return "", 0, err
	}
	defer a.Close()
	h := sha256.New()
	n := 0
	var text []byte
	for {
		block, err := a.Read()
		if errors.Is(err, io.EOF) {
			return hex.EncodeToString(h.Sum(nil)), float64(n) / float64(a.Rate()), nil
		} else if err != nil {
			return "", 0, err
		}
		n += len(block.Channels[0])
		for i := range block.Channels[0] {
			text = text[:0]
			for _, c := range block.Channels {
				text = binary.LittleEndian.AppendUint32(text, math.Float32bits(c[i]))
			}
			h.Write(text)
		}
	}
}

// once checks that no render was finished twice, that only the newest still counts,
// and that a run wrote no two different finals.
func (b *bench) once(ctx context.Context, s *song) error {
	events, err := b.store.Events(ctx, s.id, 0, 10_000)
	if err != nil {
		return err
	}
	done, asked := map[string]int{}, map[string]int{}
	for _, e := range events {
		if e.Stage != store.StageFinish {
			continue
		}
		switch e.State {
		case store.TaskDone:
			done[e.Run]++
		case store.TaskQueued: // its final was overwritten, so it finishes once more
			asked[e.Run]++
		}
	}
	renders, err := b.store.Renders(ctx, s.id, 100)
	if err != nil {
		return err
	}
	finished := 0
	for i, r := range renders {
		want := 0
		if r.State == store.Finished {
			want = 1 + asked[r.Run]
			finished++
		} else if i == 0 || !r.State.Over() {
			return fmt.Errorf("song %s: run %s, %d from the newest, is %s", s.id.Song, r.Run, i, r.State)
		}
		if done[r.Run] != want {
			return fmt.Errorf("song %s: run %s is %s and was finished %d times", s.id.Song, r.Run, r.State, done[r.Run])
		}
	}
	key := definition.NameKey{Song: s.id}.FinalKey()
	if written := b.s3.finals(key); len(written) > len(renders) || len(written) == 0 {
		return fmt.Errorf("song %s: %d different finals were written by %d renders", s.id.Song, len(written), len(renders))
	}
	info, err := b.Buckets[definition.BucketFinal].Stat(ctx, key)
	if err != nil {
		return err
	}
	st, err := status.Read(ctx, b.store, s.id, "")
	if err != nil {
		return err
	}
	if st.Output == nil || info.ETag != st.Output.ETag {
		return fmt.Errorf("song %s: the final is not that of its newest render", s.id.Song)
	}
	return nil
}
