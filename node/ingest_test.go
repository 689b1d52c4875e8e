package node

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"image/jpeg"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/choirless/render/align"
	"github.com/choirless/render/bucket"
	"github.com/choirless/render/decode"
	"github.com/choirless/render/definition"
	"github.com/choirless/render/internal/av"
	"github.com/choirless/render/internal/avtest"
	"github.com/choirless/render/media"
	"github.com/choirless/render/plan"
)

var ingestSong = definition.Song{Choir: "c", Song: "s"}

// ingest puts data into a raw bucket and ingests it.
func ingest(t *testing.T, data []byte, edit func(*plan.Ingest, bucket.Buckets)) (plan.IngestResult, bucket.Buckets, error) {
	t.Helper()
	bs := bucket.Buckets{}
	for _, role := range []string{definition.BucketRaw, definition.BucketSnapshots, definition.BucketConverted} {
		d, err := bucket.OpenDir(t.TempDir(), bucket.DirOptions{NoSync: true})
		if err != nil {
			t.Fatal(err)
		}
		bs[role] = d
	}
	w := &plan.Ingest{
		Part: "p", Raw: plan.Ref{Bucket: definition.BucketRaw, Key: "c+s+p.webm"},
		Snapshot: plan.Ref{Bucket: definition.BucketSnapshots, Key: "c+s+p.jpg"},
	}
	if _, err := bs[definition.BucketRaw].Put(t.Context(), w.Raw.Key, bytes.NewReader(data), bucket.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	if edit != nil {
		edit(w, bs)
	}
	scratch := t.TempDir()
	in := Ingester{Buckets: bs, Scratch: scratch}
	last := 0.0
	res, err := in.Run(t.Context(), plan.Assignment{Kind: plan.KindIngest, Song: ingestSong, Ingest: w}, func(p float64) {
		if p < last || p > 100 {
			t.Errorf("progress goes from %g to %g", last, p)
		}
		last = p
	})
	if err == nil && last != 100 {
		t.Errorf("progress ends at %g", last)
	}
	if left, _ := os.ReadDir(scratch); len(left) != 0 {
		t.Errorf("%d files left in scratch", len(left))
	}
	if n := av.Live(); n != 0 {
		t.Errorf("%d things of libav's still open", n)
	}
	return res, bs, err
}

func object(t *testing.T, bs bucket.Buckets, role, key string) []byte {
	t.Helper()
	r, _, err := bs[role].Get(t.Context(), key, bucket.Range{})
	if errors.Is(err, bucket.ErrNotFound) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// sung is a sound that features can be made of.
func sung(i, ch int) float32 {
	return float32(i%109)/109*0.5 - 0.25 + 0.3*avtest.Click(i, ch)
}

func TestIngest(t *testing.T) {
	late := avtest.Steady(90, 30)
	for i := range late {
		late[i] += 400 * time.Millisecond
	}
	film := avtest.Movie{
		Container: "mp4", Video: "libx264", Times: late, Audio: "aac", Rate: 44100, Channels: 2,
		Samples: 3 * 44100, Sound: sung,
	}
	cases := []struct {
		name       string
		movie      avtest.Movie
		video      bool
		channels   int
		features   bool
		reencode   bool
		unusable   string
		videoStart time.Duration
	}{
		{name: "film", movie: film, video: true, channels: 2, features: true, videoStart: 400 * time.Millisecond},
		{name: "sound only", movie: avtest.Movie{Container: "webm", Audio: "libopus", Samples: 3 * 48000, Sound: sung}, channels: 1, features: true},
		{name: "surround", movie: avtest.Movie{Audio: "flac", Channels: 6, Samples: 3 * 48000, Sound: sung}, channels: 2, features: true},
		{name: "picture only", movie: avtest.Movie{Container: "webm", Video: "libvpx", Times: avtest.Steady(10, 15)}, video: true, unusable: "no sound"},
		{name: "silent", movie: avtest.Movie{
			Video: "libvpx", Times: avtest.Steady(60, 30), Audio: "flac", Samples: 3 * 48000,
			Sound: func(i, ch int) float32 { return 0 },
		}, video: true, channels: 1, unusable: "silent"},
		{name: "short", movie: avtest.Movie{Audio: "flac", Samples: 4800, Sound: sung}, channels: 1, unusable: "shorter than"},
		{name: "old camera", movie: avtest.Movie{Container: "avi", Video: "mpeg4", Times: avtest.Steady(30, 30)}, video: true, reencode: true, unusable: "no sound"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			data := c.movie.Bytes(t)
			res, bs, err := ingest(t, data, nil)
			if err != nil {
				t.Fatal(err)
			}
			out := object(t, bs, definition.BucketConverted, definition.ConvertedKey(ingestSong, "p", res.SHA256))
			if sum := sha256.Sum256(out); res.SHA256 != hex.EncodeToString(sum[:]) || res.Bytes != int64(len(out)) {
				t.Errorf("hash or size of the converted file is not the object's")
			}
			f, err := decode.Probe(t.Context(), bytes.NewReader(out))
			if err != nil {
				t.Fatal(err)
			}
			if (f.Video != nil) != c.video || (f.Audio != nil) != (c.channels > 0) {
				t.Fatalf("converted: picture %v, sound %v", f.Video != nil, f.Audio != nil)
			}
			if c.video {
				if f.Video.Start != c.videoStart || res.Facts.Video.Start != c.videoStart || f.Video.Frames != len(c.movie.Times) {
					t.Errorf("picture from %v, %d frames; facts %+v", f.Video.Start, f.Video.Frames, res.Facts.Video)
				}
				img, err := jpeg.Decode(bytes.NewReader(object(t, bs, definition.BucketSnapshots, "c+s+p.jpg")))
				if err != nil || img.Bounds().Dx() != 160 {
					t.Errorf("snapshot: %v", err)
				}
			}
			if c.channels > 0 {
				if a := f.Audio; a.Codec != "pcm_s24le" || a.Rate != media.MixRate || a.Channels != c.channels {
					t.Errorf("sound %+v, want 24-bit PCM of %d channels at 48 kHz", a, c.channels)
				}
				if d := (f.Audio.End - res.Facts.Audio.End).Abs(); d > 2*time.Millisecond {
					t.Errorf("sound ends at %v, facts say %v", f.Audio.End, res.Facts.Audio.End)
				}
			}
			features := object(t, bs, definition.BucketConverted, definition.FeaturesKey(ingestSong, "p", res.SHA256))
			if (features != nil) != c.features || res.Features != c.features {
				t.Errorf("features %v, said %v, want %v", features != nil, res.Features, c.features)
			}
			if c.features {
				if err := new(align.Features).UnmarshalBinary(features); err != nil {
					t.Error(err)
				}
			}
			if res.Snapshot != c.video || res.Reencode != c.reencode || !strings.Contains(res.Unusable, c.unusable) || c.unusable == "" && res.Unusable != "" {
				t.Errorf("snapshot %v, reencode %v, unusable %q", res.Snapshot, res.Reencode, res.Unusable)
			}
			again, _, err := ingest(t, data, nil)
			if err != nil || again.SHA256 != res.SHA256 {
				t.Errorf("a second time: %v, %s, want the same bytes", err, again.SHA256)
			}
		})
	}
}

// A person's turn is seen in the snapshot; the file keeps its own.
func TestIngestRotate(t *testing.T) {
	m := avtest.Movie{Video: "libx264", Times: avtest.Steady(10, 30), Tags: []av.Option{{Key: "ROTATE", Value: "180"}}}
	res, bs, err := ingest(t, m.Bytes(t), func(w *plan.Ingest, _ bucket.Buckets) { w.Rotate = 270 })
	if err != nil {
		t.Fatal(err)
	}
	if res.Facts.Video.Rotation != 180 {
		t.Errorf("rotation %d in the facts, want the file's own 180", res.Facts.Video.Rotation)
	}
	img, err := jpeg.Decode(bytes.NewReader(object(t, bs, definition.BucketSnapshots, "c+s+p.jpg")))
	if err != nil || img.Bounds().Dx() != 96 || img.Bounds().Dy() != 160 {
		t.Errorf("snapshot %v, %v, want it upright", img.Bounds(), err)
	}
}

func TestIngestRejects(t *testing.T) {
	for name, data := range map[string][]byte{"empty": nil, "text": []byte(strings.Repeat("la la la\n", 99))} {
		_, bs, err := ingest(t, data, nil)
		var r *decode.RejectError
		if !errors.As(err, &r) {
			t.Errorf("%s: error %v, want a RejectError", name, err)
		}
		for info := range bs[definition.BucketConverted].List(t.Context(), "") {
			t.Errorf("%s: %q was stored", name, info.Key)
		}
	}
}

// stream hides that a bucket has files.
type stream struct{ bucket.Bucket }

func (s stream) Get(ctx context.Context, key string, r bucket.Range) (io.ReadCloser, bucket.Info, error) {
	rc, info, err := s.Bucket.Get(ctx, key, r)
	return io.NopCloser(io.MultiReader(rc)), info, err
}

func TestIngestFromAStream(t *testing.T) {
	m := avtest.Movie{Container: "mp4", Video: "libx264", Times: avtest.Steady(10, 30)}
	if _, _, err := ingest(t, m.Bytes(t), func(_ *plan.Ingest, bs bucket.Buckets) {
		bs[definition.BucketRaw] = stream{bs[definition.BucketRaw]}
	}); err != nil {
		t.Error(err)
	}
}

func TestIngestStops(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("stop")
	d, err := bucket.OpenDir(t.TempDir(), bucket.DirOptions{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	m := avtest.Movie{Video: "libx264", Times: avtest.Steady(300, 30), Audio: "flac", Samples: 10 * 48000, Sound: sung}
	if _, err := d.Put(ctx, "raw", bytes.NewReader(m.Bytes(t)), bucket.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	in := Ingester{Buckets: bucket.Buckets{"b": d, definition.BucketConverted: d}, Scratch: t.TempDir()}
	w := &plan.Ingest{
		Part: "p", Raw: plan.Ref{Bucket: "b", Key: "raw"}, Snapshot: plan.Ref{Bucket: "b", Key: "jpg"},
	}
	_, err = in.Run(ctx, plan.Assignment{Ingest: w}, func(float64) { cancel(stop) })
	if !errors.Is(err, stop) && !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want the cause of the stop", err)
	}
	var r *decode.RejectError
	if errors.As(err, &r) {
		t.Error("a stop was taken for a fault of the recording")
	}
	if n := av.Live(); n != 0 {
		t.Errorf("%d things of libav's still open", n)
	}
}

// Where the converted parts are not in a folder their sound is compressed, to the
// same samples.
func TestSoundIsCompressedForTheRoad(t *testing.T) {
	film := avtest.Movie{Video: "libvpx", Times: avtest.Steady(60, 30), Audio: "flac", Channels: 2, Samples: 2 * 48000, Sound: sung}.Bytes(t)
	var bytesOf, samples []int
	var sums [][32]byte
	for _, edit := range []func(*plan.Ingest, bucket.Buckets){nil, func(_ *plan.Ingest, bs bucket.Buckets) {
		bs[definition.BucketConverted] = struct{ bucket.Bucket }{bs[definition.BucketConverted]}
	}} {
		res, bs, err := ingest(t, film, edit)
		if err != nil {
			t.Fatal(err)
		}
		part := object(t, bs, definition.BucketConverted, definition.ConvertedKey(ingestSong, "p", res.SHA256))
		a, err := decode.OpenAudio(t.Context(), bytes.NewReader(part))
		if err != nil {
			t.Fatal(err)
		}
		n, sum := 0, sha256.New()
		for {
			b, err := a.Read()
			if err == io.EOF {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			n += b.Len()
			for i := range b.Len() {
				binary.Write(sum, binary.LittleEndian, [2]float32{b.Channels[0][i], b.Channels[1][i]})
			}
		}
		a.Close()
		bytesOf, samples, sums = append(bytesOf, len(part)), append(samples, n), append(sums, [32]byte(sum.Sum(nil)))
	}
	if samples[0] != 2*48000 || samples[1] != samples[0] || sums[1] != sums[0] {
		t.Errorf("%d samples in a folder, %d elsewhere, the same: %v", samples[0], samples[1], sums[1] == sums[0])
	}
	if bytesOf[1] > bytesOf[0]*3/4 {
		t.Errorf("%d bytes, in a folder %d", bytesOf[1], bytesOf[0])
	}
}

func TestNoSnapshots(t *testing.T) {
	film := avtest.Movie{Video: "libvpx", Times: avtest.Steady(60, 30)}.Bytes(t)
	_, bs, err := ingest(t, film, nil)
	if err != nil || object(t, bs, definition.BucketSnapshots, "c+s+p.jpg") == nil {
		t.Fatalf("no snapshot where one is wanted, %v", err)
	}
	w := &plan.Ingest{Part: "q", Raw: plan.Ref{Bucket: definition.BucketRaw, Key: "c+s+p.webm"}, Snapshot: plan.Ref{Bucket: definition.BucketSnapshots, Key: "c+s+q.jpg"}}
	in := Ingester{Buckets: bs, Scratch: t.TempDir(), NoSnapshots: true}
	res, err := in.Run(t.Context(), plan.Assignment{Kind: plan.KindIngest, Song: ingestSong, Ingest: w}, nil)
	if err != nil || res.Snapshot || object(t, bs, definition.BucketSnapshots, "c+s+q.jpg") != nil {
		t.Errorf("snapshot %v, %v, want none", res.Snapshot, err)
	}
}
