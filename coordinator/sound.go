package coordinator

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/choirless/render/bucket"
	"github.com/choirless/render/definition"
	"github.com/choirless/render/media"
	"github.com/choirless/render/mix"
	"github.com/choirless/render/plan"
	"github.com/choirless/render/stitch"
)

// The mastered and coded sound of a song is an object of its own in final-parts,
// by content as cells are: the growing preview has it long before the finish
// wants it, and a render that only changes the picture finds it there.

// masterNote lies beside the coded sound and says what the file does not.
type masterNote struct {
	Config   []byte             `json:"config"` // AudioSpecificConfig
	Priming  int                `json:"priming"`
	LUFS     float64            `json:"lufs"`
	TruePeak float64            `json:"dbtp"`
	Range    float64            `json:"lra_lu"`
	Silent   bool               `json:"silent"`
	Retries  int                `json:"remasters"`
	Warnings []plan.PartWarning `json:"warnings,omitempty"`
}

const (
	// masterVersion is raised when the same sums would be finished in another way.
	masterVersion = 2

	masterExt = "aac"   // ADTS
	noteExt   = ".json" // behind the object's whole key
)

func (f *finisher) soundFile() string { return f.dir + "/sound.aac" }

// sound returns the mastered sound, kept or made now; nil when the song has none.
func (f *finisher) sound(ctx context.Context) (*stitch.Audio, error) {
	if len(f.plan.Sounds) == 0 {
		f.out.Silent, f.out.LUFS, f.out.TruePeak = true, mix.FloorLUFS, mix.FloorDB
		return nil, nil
	}
	key, err := f.masterKey(ctx)
	if err != nil {
		return nil, err
	}
	// The finish may come while the growing preview masters the same.
	unlock, err := f.c.mastering.lock(ctx, key)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if note, err := f.keptMaster(ctx, key); err == nil {
		return f.useMaster(note), nil
	} else if !errors.Is(err, bucket.ErrNotFound) {
		return nil, err
	}
	before := len(f.warnings)
	audio, err := f.master(ctx)
	if err != nil {
		return nil, err
	}
	return audio, f.keepMaster(ctx, key, masterNote{
		Config: audio.Config, Priming: audio.Priming, LUFS: f.out.LUFS, TruePeak: f.out.TruePeak, Range: f.out.Range,
		Silent: f.out.Silent, Retries: f.out.SoundRetry, Warnings: f.warnings[before:],
	})
}

// masterKey is the hash of everything that shapes the mastered sound: the dry
// sums, how they are finished, and a person's own impulse response.
func (f *finisher) masterKey(ctx context.Context) (string, error) {
	shape := struct {
		Version string
		Way     int
		Sums    []string
		Samples int64
		Master  plan.Master
		Bitrate int
		IR      string // ETag
	}{Version: f.plan.Version, Way: masterVersion, Samples: f.plan.Samples, Master: f.plan.Master, Bitrate: bitrate}
	for i := range f.plan.Sounds {
		shape.Sums = append(shape.Sums, f.plan.Sound(i).Key)
	}
	for _, name := range impulseFiles(f.plan.Master) {
		info, err := f.c.cfg.Buckets[definition.BucketMisc].Stat(ctx, name)
		if err == nil {
			shape.IR = info.ETag
			break
		}
		if !errors.Is(err, bucket.ErrNotFound) {
			return "", fmt.Errorf("%s/%s: %w", definition.BucketMisc, name, err)
		}
	}
	text, err := json.Marshal(shape)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return definition.CellKey{Song: f.render.Song, Hash: hex.EncodeToString(sum[:16]), Ext: masterExt}.String(), nil
}

// keptMaster fetches a sound that was mastered before. ErrNotFound of the bucket
// when there is none.
func (f *finisher) keptMaster(ctx context.Context, key string) (note masterNote, err error) {
	b := f.c.cfg.Buckets[definition.BucketFinalParts]
	r, _, err := b.Get(ctx, key+noteExt, bucket.Range{})
	if err != nil {
		return note, fmt.Errorf("%s/%s: %w", definition.BucketFinalParts, key+noteExt, err)
	}
	if err := errors.Join(json.NewDecoder(r).Decode(&note), r.Close()); err != nil {
		return note, fmt.Errorf("%w: note %s: %w", bucket.ErrNotFound, key+noteExt, err) // made again
	}
	r, _, err = b.Get(ctx, key, bucket.Range{})
	if err != nil {
		return note, fmt.Errorf("%s/%s: %w", definition.BucketFinalParts, key, err)
	}
	defer r.Close()
	file, err := os.Create(f.soundFile())
	if err != nil {
		return note, err
	}
	_, err = io.Copy(file, r)
	return note, errors.Join(err, file.Close())
}

// useMaster notes the facts of a sound that was mastered before.
func (f *finisher) useMaster(n masterNote) *stitch.Audio {
	f.out.LUFS, f.out.TruePeak, f.out.Range = n.LUFS, n.TruePeak, n.Range
	f.out.Silent, f.out.SoundRetry = n.Silent, n.Retries
	f.warnings = append(f.warnings, n.Warnings...)
	return &stitch.Audio{
		Config: n.Config, Packets: adtsPackets(f.soundFile()), Priming: n.Priming,
		Samples: f.plan.Samples, Rate: media.MixRate, Channels: 2,
	}
}

// keepMaster stores the sound, and its note last: it is what says that both are there.
func (f *finisher) keepMaster(ctx context.Context, key string, n masterNote) error {
	note, err := json.Marshal(n)
	if err != nil {
		return err
	}
	file, err := os.Open(f.soundFile())
	if err != nil {
		return err
	}
	defer file.Close()
	b := f.c.cfg.Buckets[definition.BucketFinalParts]
	if _, err := b.Put(ctx, key, file, bucket.PutOptions{ContentType: "audio/aac"}); err != nil {
		return fmt.Errorf("%s/%s: %w", definition.BucketFinalParts, key, err)
	}
	if _, err := b.Put(ctx, key+noteExt, bytes.NewReader(note), bucket.PutOptions{ContentType: "application/json"}); err != nil {
		return fmt.Errorf("%s/%s: %w", definition.BucketFinalParts, key+noteExt, err)
	}
	return nil
}
