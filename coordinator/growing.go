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
	"math"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/choirless/render/bucket"
	"github.com/choirless/render/definition"
	"github.com/choirless/render/plan"
	"github.com/choirless/render/stitch"
	"github.com/choirless/render/store"
)

// While nodes compose, the song so far can be watched. The nodes make the sounds
// first and then the cells in the order of time, and the sound is mastered while
// they make those: the preview has the final's own picture and sound from its
// first second on.
//
// In the preview bucket lie, beside the preview that earlier front-ends know
// (written when everything is there), a playlist (HLS, RFC 8216) and what it
// names: an initialisation segment and one media segment per segment of the plan
// (fragmented MP4), by content. They are written before the playlist that names
// them, so that every state of it can be played. Put one after the other in the
// playlist's order they are an MP4 file. The finish adds what is left and ends
// the playlist; the collection (collect.go) removes all of it later.
//
// A claim of its own (store.Growth) keeps two coordinators off one preview. Where
// nobody watches (Config.NoGrowing) the sound is mastered all the same, beside the
// pictures instead of after them.

const (
	// growLease is how long letting a preview grow may take before another
	// coordinator tries; mastering a long song is most of it.
	growLease = 5 * time.Minute
	// growRest is how long a preview is left alone that could not grow.
	growRest = 2 * time.Second
	// growNever is how long a preview is left alone that nobody watches.
	growNever = 365 * 24 * time.Hour
)

// growStep lets the preview of one render grow by what is ready.
func (c *Coordinator) growStep(ctx context.Context) (bool, error) {
	g, err := c.store.ClaimGrowth(ctx, growLease)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	grown, err := c.grow(ctx, g.Render)
	if err != nil && ctx.Err() == nil {
		// Whatever it is, the finish will meet it too, and knows what to do.
		c.logOf(g.Render).Warn("the preview does not grow", "error", err)
	}
	rest := time.Duration(0)
	switch {
	case c.cfg.NoGrowing && grown >= 0:
		rest = growNever
	case grown < g.Ready:
		rest = growRest
	}
	settle, cancel := toTheEnd(ctx)
	defer cancel()
	err = c.store.Grown(settle, g, grown, rest)
	if errors.Is(err, store.ErrLost) {
		err = nil // planned anew
	}
	return true, err
}

// grow returns how many segments the preview has then; with 0 the sound is mastered.
func (c *Coordinator) grow(ctx context.Context, r store.Render) (int, error) {
	var p plan.Plan
	if err := json.Unmarshal(r.Plan, &p); err != nil {
		return r.Grown, fmt.Errorf("plan: %w", err)
	}
	tasks, err := c.store.Tasks(ctx, r.Run)
	if err != nil {
		return r.Grown, err
	}
	stacked := stackedSegments(tasks)
	to := min(r.Ready, len(p.Segments), firstUnjoined(tasks, stacked))
	if c.cfg.NoGrowing {
		to = min(to, 0)
	}
	if to <= r.Grown {
		return r.Grown, nil // what comes next is to be stacked first
	}
	from := max(0, r.Grown)
	dir, err := os.MkdirTemp(c.cfg.Scratch, "choirless-preview-")
	if err != nil {
		return r.Grown, err
	}
	defer os.RemoveAll(dir)
	f := &finisher{c: c, render: r, plan: &p, tasks: tasks, dir: dir, stacked: stacked}
	audio, err := f.sound(ctx)
	if err != nil {
		return r.Grown, fmt.Errorf("sound: %w", err)
	}
	if c.cfg.NoGrowing {
		return to, nil
	}
	if to > from {
		if err := f.grow(ctx, audio, from, to); err != nil {
			return from, err
		}
	}
	if to == len(p.Segments) {
		return to, nil
	}
	// Were the last cells done meanwhile, the finish may have ended the playlist
	// that was written anew just now: it is ended once more.
	if r, err = c.store.Render(ctx, r.Run); err != nil || r.State != store.Finishing && r.State != store.Finished {
		return to, err
	}
	if f.tasks, err = c.store.Tasks(ctx, r.Run); err != nil {
		return to, err
	}
	f.stacked = stackedSegments(f.tasks)
	return len(p.Segments), f.grow(ctx, audio, to, len(p.Segments))
}

// firstUnjoined is the first segment with a stripe that cannot be joined and no
// stack in its place.
func firstUnjoined(tasks []store.Task, stacked map[int]bool) int {
	first := math.MaxInt
	for _, t := range tasks {
		var result plan.CellResult
		if t.Kind != plan.KindPicture || t.State != store.TaskDone || stacked[t.Segment] {
			continue
		}
		if err := json.Unmarshal(t.Result, &result); err != nil || !result.Stitchable {
			first = min(first, t.Segment)
		}
	}
	return first
}

// stackedSegments are those whose stripes nodes have stacked, or will.
func stackedSegments(tasks []store.Task) map[int]bool {
	all := map[int]bool{}
	for _, t := range tasks {
		if t.Kind == plan.KindStack {
			all[t.Segment] = true
		}
	}
	return all
}

// grow adds the segments from one to before the other to the preview.
func (f *finisher) grow(ctx context.Context, audio *stitch.Audio, from, to int) error {
	movie, err := stitch.NewFragments(f.plan.Rate, "", audio)
	if err != nil {
		return err
	}
	defer movie.Close()
	gops := 0
	for _, s := range f.plan.Segments[:from] {
		gops += (s.Count + f.plan.Encoder.GOP - 1) / f.plan.Encoder.GOP
	}
	if err := movie.Resume(f.plan.Segments[from].First, gops); err != nil {
		return err
	}
	for i := from; i < to; i++ {
		var data bytes.Buffer
		if _, err := movie.Append(ctx, &data, f.segment(ctx, i)); err != nil {
			return err
		}
		if i == 0 {
			if err := f.putPreview(ctx, f.growingKey(-1), bytes.NewReader(movie.Init()), "video/mp4"); err != nil {
				return err
			}
		}
		if err := f.putPreview(ctx, f.growingKey(i), &data, "video/mp4"); err != nil {
			return err
		}
	}
	key := definition.NameKey{Song: f.render.Song, Name: f.render.Name}.GrowingKey()
	return f.putPreview(ctx, key, strings.NewReader(f.playlist(to)), "application/vnd.apple.mpegurl")
}

func (f *finisher) putPreview(ctx context.Context, key string, r io.Reader, contentType string) error {
	_, err := f.c.cfg.Buckets[definition.BucketPreview].Put(ctx, key, r, bucket.PutOptions{ContentType: contentType})
	if err != nil {
		return fmt.Errorf("%s/%s: %w", definition.BucketPreview, key, err)
	}
	return nil
}

// growingKey is the key of a segment in the preview bucket, -1 for the
// initialisation segment. It says what is in it, so that a render that is planned
// anew, or a coordinator that comes too late, does not put something else there.
func (f *finisher) growingKey(segment int) string {
	h := sha256.New()
	for i := range f.plan.Sounds {
		fmt.Fprintln(h, f.plan.Sound(i).Key)
	}
	fmt.Fprintln(h, f.plan.Master, bitrate)
	what := "init.mp4"
	if segment >= 0 {
		what = fmt.Sprintf("%04d.m4s", segment)
		fmt.Fprintln(h, f.plan.Stack(segment).Key, f.stacked[segment])
	} else {
		fmt.Fprintln(h, f.plan.Width, f.plan.Height, f.plan.Rate, f.plan.Encoder)
	}
	return definition.RunKey{
		Song: f.render.Song, Name: f.render.Name, Run: f.render.Run,
		What: hex.EncodeToString(h.Sum(nil)[:6]) + "-" + what,
	}.String()
}

// playlist names the first segments, and ends when they are all.
func (f *finisher) playlist(segments int) string {
	var b strings.Builder
	longest := 0.0
	for _, s := range f.plan.Segments {
		longest = max(longest, f.plan.Rate.Time(s.Count).Seconds())
	}
	fmt.Fprintf(&b, "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:%d\n#EXT-X-PLAYLIST-TYPE:EVENT\n", int(math.Ceil(longest)))
	fmt.Fprintf(&b, "#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-MAP:URI=%q\n", address(f.growingKey(-1)))
	for i, s := range f.plan.Segments[:segments] {
		fmt.Fprintf(&b, "#EXTINF:%.6f,\n%s\n", f.plan.Rate.Time(s.Count).Seconds(), address(f.growingKey(i)))
	}
	if segments == len(f.plan.Segments) {
		b.WriteString("#EXT-X-ENDLIST\n")
	}
	return b.String()
}

// address is a key as a relative URL. Some servers take a plain '+' for a space.
func address(key string) string { return strings.ReplaceAll(url.PathEscape(key), "+", "%2B") }

// endGrowing completes a preview that has begun to grow. Its failure is not the
// song's.
func (f *finisher) endGrowing(ctx context.Context, audio *stitch.Audio) error {
	if f.render.Grown <= 0 {
		return nil // nothing was new enough to be waited for
	}
	err := f.grow(ctx, audio, min(f.render.Grown, len(f.plan.Segments)-1), len(f.plan.Segments))
	if err != nil && ctx.Err() == nil {
		f.c.logOf(f.render).Warn("the preview does not end", "error", err)
		return nil
	}
	return err
}
