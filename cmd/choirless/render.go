package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/choirless/render/align"
	"github.com/choirless/render/bucket"
	"github.com/choirless/render/coordinator"
	"github.com/choirless/render/decode"
	"github.com/choirless/render/definition"
	"github.com/choirless/render/encode"
	"github.com/choirless/render/local"
	"github.com/choirless/render/node"
	"github.com/choirless/render/plan"
	"github.com/choirless/render/store"
)

type renderFlags struct {
	out, definition, report, thumbnail, misc string
	stems                                    string
	size, fps, span                          string
	preset, encoder, decoder                 string
	reach                                    time.Duration
	crf                                      float64
	slots                                    int
	cache, cacheSize                         string
	noCache, verbose, stock, software        bool
	verify                                   bool
}

func newRender() *cobra.Command {
	var o renderFlags
	c := &cobra.Command{
		Use:   "render DIR --out FINAL.mp4",
		Short: "render a folder of recordings into one video",
		Long: `render turns the recordings in DIR, named <choirid>+<songid>+<partid>.<ext>,
into one video. A song.json in DIR may say who sings what and how loud; without
it the part that comes first by id is the backing, whose time is the song's.

A recording that cannot be used drops out with a warning; the song is finished
without it. What was made is kept in a cache, so that the next run of the song
does only what has changed.`,
		Args: args(1, 1, "one folder"),
		RunE: func(c *cobra.Command, a []string) error {
			return render(c.Context(), a[0], o, c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	f := c.Flags()
	f.StringVar(&o.out, "out", "", "the MP4 `file` to write")
	f.StringVar(&o.report, "report", "", "write what was done, and what it cost, to this JSON `file`")
	f.StringVar(&o.thumbnail, "thumbnail", "", "JPEG `file` for the thumbnail; by default beside the video")
	f.StringVar(&o.definition, "definition", "", "render this definition `file` instead of an automatic one")
	f.StringVar(&o.misc, "misc", "", "`folder` with watermarks, background images and impulse responses; by default DIR/misc, else DIR")
	f.StringVar(&o.stems, "stems", "", "write every aligned part, and the sums dry and wet, as FLAC into this `folder`")
	f.StringVar(&o.size, "size", "", "size of the canvas, such as 1920x1080")
	f.StringVar(&o.fps, "fps", "", "frame rate, such as 25, 29.97, 25000/1001")
	f.StringVar(&o.span, "span", "", "what is shown: the backing's time (backing) or everyone's (union)")
	f.DurationVar(&o.reach, "reach", align.ReachDefault, "how far off a part may be, either way")
	f.Float64Var(&o.crf, "crf", 0, "x264 quality, 1 best to 51; 0 is the plan's")
	f.StringVar(&o.preset, "preset", "", "x264 preset; by default the plan's")
	f.StringVar(&o.encoder, "encoder", "auto", "what encodes the picture: x264, nvenc, or auto for nvenc where it works")
	f.StringVar(&o.decoder, "decoder", "auto", "what decodes the parts' pictures: software, nvdec, or auto for nvdec where it works")
	f.IntVar(&o.slots, "slots", 0, "tasks worked on at once, a picture counted as two; 0 is one per core")
	f.StringVar(&o.cache, "cache", "", "`folder` to keep converted parts and cells in; by default the user's cache folder")
	f.StringVar(&o.cacheSize, "cache-size", "20GB", "how large the cache may be, such as 500MB; 0 for no limit. What was used longest ago goes first, and anything after 30 days")
	f.BoolVar(&o.noCache, "no-cache", false, "keep nothing, use nothing kept")
	f.BoolVar(&o.stock, "stock-encoder", false, "encode stripes twice instead of joining them in the bitstream")
	f.BoolVar(&o.verify, "verify", false, "check every stripe for motion that leaves it, and decode the video and compare every picture")
	f.BoolVar(&o.software, "software", false, "compose with the software rasteriser even where there is a GPU")
	f.BoolVarP(&o.verbose, "verbose", "v", false, "log every step to standard error")
	return c
}

func render(ctx context.Context, dir string, o renderFlags, out, errOut io.Writer) error {
	if o.out == "" {
		return usage("render: --out is missing")
	}
	song, err := readSong(dir, o)
	if err != nil {
		return err
	}
	limit, err := parseSize(o.cacheSize)
	if err != nil {
		return usage("--cache-size: %v", err)
	}
	codec, err := chooseEncoder(o.encoder)
	if err != nil {
		return err
	}
	decoder, err := chooseDecoder(o.decoder)
	if err != nil {
		return err
	}
	work, err := local.OpenWorkDir(o.cache, o.noCache, song.Song)
	if err != nil {
		return err
	}
	defer work.Close()
	if err := work.Trim(limit); err != nil {
		return err
	}
	for _, n := range work.Notes {
		fmt.Fprintln(errOut, "choirless: note:", n)
	}
	clock := startStageClock()
	ctx, full := context.WithCancelCause(ctx)
	defer full(nil)
	l, err := local.Open(ctx, o.local(song, work, codec, decoder, full, errOut))
	if err != nil {
		return err
	}
	res, err := renderSong(ctx, l, song, o, newProgress(out), clock)
	if err == nil {
		err = deliver(ctx, l, song, o, res)
	}
	if err == nil && o.stems != "" {
		err = writeStems(ctx, l, res, o.stems)
	}
	if cerr := l.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return because(ctx, err)
	}
	if o.report != "" {
		if err := writeReport(o.report, song, o, res, clock); err != nil {
			return err
		}
	}
	printResult(out, errOut, o.out, res)
	return nil
}

// because returns what ended ctx while a command was under way, or else err: a full
// disk ends it, as nobody makes room for a command that says nothing.
func because(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return &failure{code: exitFailed, err: cause, hint: "make room, or choose another folder with --cache"}
	}
	return err
}

// readSong reads the song's folder, and the definition where one is given, and checks
// them and the flags.
func readSong(dir string, o renderFlags) (local.Folder, error) {
	if err := o.check(); err != nil {
		return local.Folder{}, err
	}
	out, err := o.output()
	if err != nil {
		return local.Folder{}, err
	}
	song, err := local.ReadFolder(dir)
	if err != nil {
		return song, err
	}
	song.Output = out
	if song.Doc != nil {
		if err := plan.CheckLook(song.Doc.Output); err != nil {
			return song, badInput(fmt.Errorf("%s: %w", filepath.Join(dir, local.SongFile), err), "")
		}
	}
	if o.definition != "" {
		if err := checkDefinition(o.definition, song.Song); err != nil {
			return song, badInput(fmt.Errorf("%s: %w", o.definition, err), "")
		}
	}
	return song, nil
}

// checkDefinition says why a file is no definition that this song can be rendered by.
func checkDefinition(file string, song definition.Song) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	d, _, err := definition.Read(text)
	if err != nil {
		return err
	}
	if d.Ref() != song {
		return fmt.Errorf("is of choir %q, song %q, the recordings are of choir %q, song %q", d.ChoirID, d.SongID, song.Choir, song.Song)
	}
	return plan.CheckLook(d.Output)
}

func (o renderFlags) local(song local.Folder, work *local.WorkDir, codec encode.Codec, decoder decode.Decoder, full func(error), errOut io.Writer) local.Options {
	misc := o.misc
	if misc == "" {
		misc = song.Misc()
	}
	return local.Options{
		Data: work.Dir, Raw: song.Dir, Misc: misc, NoSync: true,
		Log: newLog(errOut, o.verbose),
		Config: func(c *coordinator.Config) {
			c.Debounce, c.NoGrowing = 50*time.Millisecond, true
			c.Abreast = node.Abreast(o.slots)
			c.Encoder, c.Verify = plan.Encoder{Codec: string(codec), CRF: o.crf, Preset: o.preset}, o.verify
			c.Align.Reach = o.reach
		},
		Node: func(c *node.Config) {
			c.Slots, c.StockEncoder, c.Engine.Software, c.Verify = o.slots, o.stock, o.software, o.verify
			c.Decoder, c.NoSnapshots, c.Full = decoder, true, full
		},
	}
}

// renderSong hands the song to the coordinator and follows it to its end.
func renderSong(ctx context.Context, l *local.Process, song local.Folder, o renderFlags, bar progress, clock *stageClock) (coordinator.Result, error) {
	name := ""
	if o.definition != "" {
		name = "file"
		if err := l.Coordinator.SetAuto(ctx, song.Song, false); err != nil {
			return coordinator.Result{}, err
		}
	}
	notes, err := l.Submit(ctx, song)
	for _, n := range notes {
		bar.note(n)
	}
	if err != nil {
		return coordinator.Result{}, err
	}
	if o.definition != "" {
		if err := putDefinition(ctx, l, song.Song, o.definition, name); err != nil {
			return coordinator.Result{}, err
		}
	}
	return followAndAwait(ctx, l, song.Song, name, bar, clock)
}

func putDefinition(ctx context.Context, l *local.Process, song definition.Song, file, name string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	key := definition.NameKey{Song: song, Name: name}.DefinitionKey()
	if _, err := l.Buckets[definition.BucketDefinition].Put(ctx, key, f, bucket.PutOptions{}); err != nil {
		return err
	}
	return l.Coordinator.Announce(ctx, definition.BucketDefinition, key)
}

// followAndAwait shows how far the song is until it is settled.
func followAndAwait(ctx context.Context, l *local.Process, song definition.Song, name string, bar progress, clock *stageClock) (coordinator.Result, error) {
	defer bar.end()
	// Coordinator or node may end by themselves: then there is nothing to wait for.
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	defer context.AfterFunc(l.Context, stop)()
	for st, err := range l.Coordinator.Follow(ctx, song, name) {
		if err != nil {
			return coordinator.Result{}, err
		}
		clock.see(st)
		bar.show(st)
		if st.Settled {
			break
		}
	}
	return l.Coordinator.Await(ctx, song, name)
}

// deliver copies final and thumbnail to where the person wants them.
func deliver(ctx context.Context, l *local.Process, song local.Folder, o renderFlags, res coordinator.Result) error {
	if err := failed(res); err != nil {
		return err
	}
	if err := copyObject(ctx, l.Buckets[definition.BucketFinal], res.Output.Final, o.out); err != nil {
		return err
	}
	thumb := o.thumbnail
	if thumb == "" {
		thumb = strings.TrimSuffix(o.out, filepath.Ext(o.out)) + ".jpg"
	}
	if res.Output.Snapshot == "" {
		return nil
	}
	return copyObject(ctx, l.Buckets[definition.BucketSnapshots], res.Output.Snapshot, thumb)
}

func copyObject(ctx context.Context, b bucket.Bucket, key, file string) error {
	r, _, err := b.Get(ctx, key, bucket.Range{})
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = writeFile(file, func(w io.WriteSeeker) (int64, error) { return io.Copy(w, r) })
	return err
}

// failed is the error of a song that did not come to a final.
func failed(res coordinator.Result) error {
	switch {
	case res.Output != nil && res.Render.State == store.Finished:
		return nil
	case res.Render.Run == "":
		return badInput(fmt.Errorf("nothing to render: %s", cmp.Or(res.Error, "no part can be used")), "see the warnings of each part")
	}
	return errors.New(cmp.Or(res.Error, "the render did not finish"))
}
