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
	"log/slog"
	"math"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/choirless/render/align"
	"github.com/choirless/render/bucket"
	"github.com/choirless/render/decode"
	"github.com/choirless/render/definition"
	"github.com/choirless/render/encode"
	"github.com/choirless/render/media"
	"github.com/choirless/render/mix"
	"github.com/choirless/render/plan"
	"github.com/choirless/render/queue"
	"github.com/choirless/render/store"
)

var testSong = definition.Song{Choir: "choir", Song: "song"}

// limit is how long anything may take before a test gives up; nothing is
// expected to come near it.
const limit = 2 * time.Minute

// bench is one machine without a coordinator: buckets, queues, a database.
type bench struct {
	*testing.T
	buckets                      bucket.Buckets
	events, assignments, reports *queue.Memory
	open                         func() (store.Store, error)
	store                        store.Store
	log                          *slog.Logger
	puts                         *counter
	gate                         sync.RWMutex // held while uploads are not to be ingested
}

func newBench(t *testing.T) *bench {
	t.Helper()
	dir := t.TempDir()
	b := &bench{T: t, buckets: bucket.Buckets{}, puts: &counter{n: map[string]int{}}}
	b.open = func() (store.Store, error) {
		return store.OpenSQLite(context.Background(), filepath.Join(dir, "choir.db"))
	}
	b.log = slog.New(slog.NewTextHandler(&testWriter{t: t}, &slog.HandlerOptions{Level: slog.LevelDebug}))
	for _, role := range definition.Buckets() {
		d, err := bucket.OpenDir(filepath.Join(dir, role), bucket.DirOptions{NoSync: true})
		if err != nil {
			t.Fatal(err)
		}
		b.buckets[role] = &countingBucket{Bucket: d, role: role, puts: b.puts}
	}
	b.newQueues()
	b.store = b.openStore()
	return b
}

// newQueues is what remains of in-process queues after a restart: nothing.
func (b *bench) newQueues() {
	o := queue.MemoryOptions{Poll: 50 * time.Millisecond}
	b.events, b.assignments, b.reports = queue.NewMemory(o), queue.NewMemory(o), queue.NewMemory(o)
}

func (b *bench) openStore() store.Store {
	b.Helper()
	s, err := b.open()
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	return s
}

func (b *bench) config() Config {
	return Config{
		Store: b.store, Buckets: b.buckets, Events: b.events, Assignments: b.assignments, Reports: b.reports,
		Output:  definition.Output{Size: definition.Some(definition.Pair{320, 180}), FPS: definition.Some(definition.FPS{Num: 5, Den: 1})},
		Segment: 2 * time.Second, Backoff: 5 * time.Millisecond, Debounce: 20 * time.Millisecond,
		Poll: 50 * time.Millisecond, Reconcile: 200 * time.Millisecond, Claim: 5 * time.Second,
		Silent: 20 * time.Second, Scratch: b.TempDir(), Log: b.log,
	}
}

// start runs a coordinator until stop is called or the test ends.
func (b *bench) start(cfg Config) (c *Coordinator, stop func()) {
	b.Helper()
	c, err := New(cfg)
	if err != nil {
		b.Fatal(err)
	}
	return c, b.background(c.Run)
}

func (b *bench) background(run func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil {
				b.Errorf("run: %v", err)
			}
		})
	}
	b.Cleanup(stop)
	return stop
}

// upload puts a recording into raw and announces it as an object store does.
func (b *bench) upload(part string, r recording) {
	b.Helper()
	b.announce(definition.BucketRaw, b.putRaw(part, r))
}

// putRaw only puts it.
func (b *bench) putRaw(part string, r recording) bucket.Info {
	b.Helper()
	text, err := json.Marshal(r)
	if err != nil {
		b.Fatal(err)
	}
	return b.putOnly(definition.BucketRaw, definition.RawKey{Song: testSong, Part: definition.PartID(part), Ext: "webm"}.String(), text)
}

func (b *bench) putOnly(role, key string, content []byte) bucket.Info {
	b.Helper()
	info, err := b.buckets[role].Put(b.Context(), key, bytes.NewReader(content), bucket.PutOptions{})
	if err != nil {
		b.Fatal(err)
	}
	return info
}

func (b *bench) put(role, key string, content []byte) {
	b.Helper()
	b.announce(role, b.putOnly(role, key, content))
}

func (b *bench) announce(role string, info bucket.Info) {
	b.Helper()
	body := bucket.EncodeEvents(bucket.Event{Name: "ObjectCreated:Put", Bucket: role, Key: info.Key, Size: info.Size, ETag: info.ETag})
	if err := b.events.Send(b.Context(), body, 0); err != nil {
		b.Fatal(err)
	}
}

// await waits for the song to settle.
func (b *bench) await(c *Coordinator, name string) Result {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), limit)
	defer cancel()
	r, err := c.Await(ctx, testSong, name)
	if err != nil {
		s, _ := c.Status(b.Context(), testSong, name)
		b.Fatalf("%v; status %+v", err, s)
	}
	return r
}

// done waits for the song and checks its final.
func (b *bench) done(c *Coordinator, name string) Result {
	b.Helper()
	r := b.await(c, name)
	if r.State != store.TaskDone {
		b.Fatalf("song is %s: %s", r.State, r.Error)
	}
	b.checkFinal(r)
	return r
}

// checkFinal decodes the final and compares it with what the render says of it.
func (b *bench) checkFinal(r Result) {
	b.Helper()
	file, info, err := bucket.Open(b.Context(), b.buckets[definition.BucketFinal], r.Output.Final)
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	if info.ETag != r.Output.ETag || info.Size != r.Output.Bytes {
		b.Errorf("the final is %+v, its render says %+v", info, r.Output)
	}
	facts, err := decode.Probe(b.Context(), file)
	if err != nil {
		b.Fatal(err)
	}
	var p plan.Plan
	if err := json.Unmarshal(r.Render.Plan, &p); err != nil {
		b.Fatal(err)
	}
	if facts.Video.Frames != p.Frames || r.Output.Frames != p.Frames || facts.Video.Width != p.Width || facts.Video.Height != p.Height {
		b.Errorf("the final has %d frames of %dx%d, want %d of %dx%d", facts.Video.Frames, facts.Video.Width, facts.Video.Height,
			p.Frames, p.Width, p.Height)
	}
	if len(p.Sounds) > 0 && (facts.Audio == nil || facts.Audio.Rate != media.MixRate) {
		b.Errorf("the sound of the final is %+v", facts.Audio)
	}
}

// recording is what the raw objects of these tests hold.
type recording struct {
	Take    int
	Seconds float64
	Width   int
	Height  int
	Silent  bool   // no features
	Strange bool   // belongs nowhere
	NoVideo bool   // sound only
	Reject  string // can never be used
}

func take(n int) recording { return recording{Take: n, Seconds: 2, Width: 64, Height: 48} }

// short is a recording that costs next to nothing to finish and to align.
func short(n int) recording {
	return recording{Take: n, Seconds: 0.4, Width: 64, Height: 48, Silent: true}
}

// song uploads n short recordings, p0 being the backing, all at once: no node
// ingests the first before the last is known.
func (b *bench) song(n int) {
	b.Helper()
	var all []recording
	for i := range n {
		all = append(all, short(i))
	}
	b.recordings(all...)
}

func (b *bench) recordings(all ...recording) {
	b.Helper()
	b.gate.Lock()
	defer b.gate.Unlock()
	for i, r := range all {
		b.upload(fmt.Sprint("p", i), r)
	}
	b.eventually("all parts are known", func() bool {
		known, err := b.store.Recordings(b.Context())
		return err == nil && len(known) >= len(all)
	})
}

// eventually waits for something that nothing announces.
func (b *bench) eventually(what string, is func() bool) {
	b.Helper()
	for end := time.Now().Add(limit); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			b.Fatalf("still not: %s", what)
		}
	}
}

// runs returns the states of the song's renders, oldest first.
func (b *bench) runs() string {
	b.Helper()
	all, err := b.store.Renders(b.Context(), testSong, 1000)
	if err != nil {
		b.Fatal(err)
	}
	var states []string
	for _, r := range all {
		states = append([]string{string(r.State)}, states...)
	}
	return strings.Join(states, " ")
}

// node stands for the process that does assignments: small, but real objects.
type node struct {
	b *bench
	// before is asked first: anything but done changes the course of things.
	before func(a plan.Assignment) course
	// stackable says that stripes are not to be joined, so that nodes stack them.
	stackable bool
	// boast says of stripes that cannot be joined that they can.
	boast bool
	// leaky picks cells that cannot be joined, without it all or none. A liar's
	// stream says that it keeps its motion inside, and does not.
	leaky, liar func(*plan.Picture) bool
	queues      [2]queue.Queue

	mu   sync.Mutex
	did  map[string]int // by key, completed work
	kind map[plan.Kind]int
}

// course is what happens to an assignment.
type course struct {
	fail      string
	permanent bool
	blame     definition.PartID
	lose      bool // no report at all, as if the node died
	silent    bool // begun, and never heard of again
	twice     bool // every report twice
	alien     bool // reports out of order
}

// node starts a node.
func (b *bench) node(before func(plan.Assignment) course) (n *node, stop func()) {
	n = &node{b: b, before: before, did: map[string]int{}, kind: map[plan.Kind]int{}, queues: [2]queue.Queue{b.assignments, b.reports}}
	return n, b.background(n.run)
}

func (n *node) done(kind plan.Kind) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.kind[kind]
}

func (n *node) run(ctx context.Context) error {
	for ctx.Err() == nil {
		leases, err := n.queues[0].Receive(ctx, 10, time.Minute)
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		for _, l := range leases {
			if err := n.handle(ctx, l); err != nil && ctx.Err() == nil {
				return err
			}
		}
	}
	return nil
}

func (n *node) handle(ctx context.Context, l queue.Lease) error {
	var first plan.Assignment
	if err := json.Unmarshal(l.Body(), &first); err != nil {
		return err
	}
	for _, a := range append([]plan.Assignment{first}, first.Then...) {
		if err := n.one(ctx, l, a); err != nil {
			return err
		}
	}
	return nil
}

func (n *node) one(ctx context.Context, l queue.Lease, a plan.Assignment) error {
	if a.Kind == plan.KindIngest {
		n.b.gate.RLock() // waits while the gate is shut
		defer n.b.gate.RUnlock()
	}
	var c course
	if n.before != nil {
		c = n.before(a)
	}
	if ctx.Err() != nil {
		return nil
	}
	if err := l.Ack(ctx); err != nil && !errors.Is(err, queue.ErrLost) { // lost: the first of a row has acked it
		return err
	}
	if c.lose {
		return nil
	}
	started := plan.Report{State: plan.ReportStarted}
	if c.silent {
		return n.send(ctx, a, c, started)
	}
	if c.fail != "" {
		return errors.Join(n.send(ctx, a, c, started), n.send(ctx, a, c, plan.Report{State: plan.ReportFailed, Error: c.fail, Permanent: c.permanent, Part: c.blame}))
	}
	result, err := n.work(ctx, a)
	if err != nil {
		return err
	}
	text, err := json.Marshal(result)
	if err != nil {
		return err
	}
	n.mu.Lock()
	n.did[a.Key]++
	n.kind[a.Kind]++
	n.mu.Unlock()
	done := plan.Report{State: plan.ReportDone, Result: text, Percent: 100}
	if c.alien {
		started, done = done, started
	}
	return errors.Join(n.send(ctx, a, c, started), n.send(ctx, a, c, done))
}

func (n *node) send(ctx context.Context, a plan.Assignment, c course, r plan.Report) error {
	r.Key, r.Kind, r.Song, r.Run, r.Attempt, r.Node = a.Key, a.Kind, a.Song, a.Run, a.Attempt, "node"
	switch {
	case a.Ingest != nil:
		r.Part = a.Ingest.Part
	case a.Picture != nil:
		r.Stripe, r.Segment = a.Picture.Stripe, a.Picture.Segment.Index
	case a.Sound != nil:
		r.Stripe = a.Sound.Stripe
	}
	body, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if c.twice {
		err = n.queues[1].Send(ctx, body, 0)
	}
	return errors.Join(err, n.queues[1].Send(ctx, body, 0))
}

func (n *node) work(ctx context.Context, a plan.Assignment) (any, error) {
	put := func(ref plan.Ref, content []byte) error {
		_, err := n.b.buckets[ref.Bucket].Put(ctx, ref.Key, bytes.NewReader(content), bucket.PutOptions{})
		return err
	}
	switch a.Kind {
	case plan.KindIngest:
		return n.ingest(ctx, a.Song, a.Ingest, put)
	case plan.KindPicture:
		p := a.Picture
		inside, leaky := !n.boast, n.stackable
		if n.leaky != nil {
			leaky = n.leaky(p)
			inside = !leaky
		}
		cell, err := testCell(p.Width, p.Height, p.Encoder, p.Rate, p.Segment.Count, inside)
		if n.liar != nil && n.liar(p) {
			cell, err = lyingCell(p)
		}
		if err != nil {
			return nil, err
		}
		joinable := p.Height == p.Encoder.CanvasHeight || n.boast || (encode.StripeMVAvailable() && !leaky)
		return plan.CellResult{Frames: p.Segment.Count, Bytes: int64(len(cell)), Stitchable: joinable, CPUSeconds: 0.5}, put(p.Out, cell)
	case plan.KindStack:
		s := a.Stack
		for _, stripe := range s.Stripes {
			if _, err := n.b.buckets[stripe.Source.Bucket].Stat(ctx, stripe.Source.Key); err != nil {
				return nil, err
			}
		}
		cell, err := testCell(s.Width, s.Height, s.Encoder, s.Rate, s.Segment.Count, false)
		if err != nil {
			return nil, err
		}
		return plan.CellResult{Frames: s.Segment.Count, Bytes: int64(len(cell)), Stitchable: true}, put(s.Out, cell)
	case plan.KindSound:
		return plan.SoundResult{Samples: a.Sound.Samples, Channels: 2}, put(a.Sound.Out, testSound(a.Sound))
	}
	return nil, fmt.Errorf("assignment of kind %q", a.Kind)
}

func (n *node) ingest(ctx context.Context, song definition.Song, in *plan.Ingest, put func(plan.Ref, []byte) error) (any, error) {
	r, _, err := n.b.buckets[in.Raw.Bucket].Get(ctx, in.Raw.Key, bucket.Range{})
	if err != nil {
		return nil, err
	}
	defer r.Close()
	raw, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	var rec recording
	if err := json.Unmarshal(raw, &rec); err != nil {
		return nil, err
	}
	ref := func(key string) plan.Ref { return plan.Ref{Bucket: definition.BucketConverted, Key: key} }
	d := time.Duration(rec.Seconds * float64(time.Second))
	sum := sha256.Sum256(raw)
	out := plan.IngestResult{
		Facts: media.Facts{
			Container: "test", Duration: d,
			Audio: &media.AudioFacts{Codec: "flac", Rate: media.MixRate, Channels: 1, End: d},
		},
		Level: media.Level{LUFS: -20, PeakDB: -3, NoiseDB: -60}, Snapshot: true, Features: !rec.Silent,
		SHA256: hex.EncodeToString(sum[:]), Bytes: int64(len(raw)),
	}
	if !rec.NoVideo {
		out.Facts.Video = &media.VideoFacts{Codec: "h264", Width: rec.Width, Height: rec.Height, Depth: 8, FPS: 5, Frames: 10, End: d}
	}
	if rec.Silent {
		out.Unusable = "silent"
	} else {
		features := testFeatures()
		if rec.Strange {
			features = strangeFeatures()
		}
		if err := put(ref(definition.FeaturesKey(song, in.Part, out.SHA256)), features); err != nil {
			return nil, err
		}
	}
	return out, errors.Join(put(ref(definition.ConvertedKey(song, in.Part, out.SHA256)), raw), put(in.Snapshot, []byte("jpeg")))
}

// testFeatures are those of three seconds of noise; the same for all parts, which
// therefore belong together as they are.
var testFeatures = sync.OnceValue(func() []byte { return noiseFeatures(1, 3000) })

// strangeFeatures are those of another noise in another rhythm.
var strangeFeatures = sync.OnceValue(func() []byte { return noiseFeatures(2, 3700) })

func noiseFeatures(seed uint64, beat int) []byte {
	x := align.NewExtractor(16000)
	random := rand.New(rand.NewPCG(seed, 2))
	noise := make([]float32, 3*16000)
	for i := range noise {
		if i/beat%3 != 1 {
			noise[i] = float32(random.NormFloat64()) * 0.1
		}
	}
	x.Write(noise)
	f, err := x.Finish()
	if err != nil {
		panic(err)
	}
	b, err := f.MarshalBinary()
	if err != nil {
		panic(err)
	}
	return b
}

var cellCache sync.Map

// testCell encodes grey pictures.
func testCell(w, h int, e plan.Encoder, rate media.FrameRate, frames int, stripeMV bool) ([]byte, error) {
	key := fmt.Sprint(w, h, e, rate, frames, stripeMV)
	if c, ok := cellCache.Load(key); ok {
		return c.([]byte), nil
	}
	var b bytes.Buffer
	enc, err := encode.NewCell(&b, encode.CellOptions{
		Width: w, Height: h, Rate: rate, Preset: "ultrafast", CRF: e.CRF,
		GOP: e.GOP, CanvasHeight: e.CanvasHeight, StripeMV: stripeMV,
	})
	if err != nil {
		return nil, err
	}
	f := media.NewFrame(w, h)
	for i := range f.Planes {
		for j := range f.Planes[i].Data {
			f.Planes[i].Data[j] = 128
		}
	}
	for i := range frames {
		f.Planes[0].Data[0] = byte(16 + i%200)
		if err := enc.Write(f); err != nil {
			return nil, err
		}
	}
	if err := enc.Close(); err != nil {
		return nil, err
	}
	cellCache.Store(key, b.Bytes())
	return b.Bytes(), nil
}

// lyingCell encodes pictures that move up out of the stripe with the vectors of
// an encoder that does not care, under the SEI of one that does.
func lyingCell(p *plan.Picture) ([]byte, error) {
	honest, err := testCell(p.Width, p.Height, p.Encoder, p.Rate, 1, true)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	enc, err := encode.NewCell(&b, encode.CellOptions{
		Width: p.Width, Height: p.Height, Rate: p.Rate, Preset: "ultrafast", CRF: p.Encoder.CRF,
		GOP: p.Encoder.GOP, CanvasHeight: p.Encoder.CanvasHeight,
	})
	if err != nil {
		return nil, err
	}
	f := media.NewFrame(p.Width, p.Height)
	for i := range p.Segment.Count {
		for k := range f.Planes {
			plane, step := f.Planes[k], 6*i/(1+min(k, 1))
			for y := range plane.Height {
				for x := range plane.Width {
					h := uint32(x/4*73856093) ^ uint32((y+step)/4*19349663)
					plane.Data[y*plane.Stride+x] = byte(64 + (h^h>>13)*0x5bd1e995>>25)
				}
			}
		}
		if err := enc.Write(f); err != nil {
			return nil, err
		}
	}
	if err := enc.Close(); err != nil {
		return nil, err
	}
	return append(sei(honest), withoutSEI(b.Bytes())...), nil
}

// units splits a byte stream at its start codes, which stay with what follows.
func units(stream []byte) (all [][]byte) {
	code := []byte{0, 0, 1}
	for len(stream) > 0 {
		n := len(stream)
		if i := bytes.Index(stream[4:], code); i >= 0 {
			n = 4 + i
			if stream[n-1] == 0 {
				n--
			}
		}
		all, stream = append(all, stream[:n]), stream[n:]
	}
	return all
}

func isSEI(unit []byte) bool { return bytes.TrimLeft(unit, "\x00")[1]&31 == 6 }

func sei(stream []byte) []byte {
	for _, u := range units(stream) {
		if isSEI(u) {
			return bytes.Clone(u)
		}
	}
	return nil
}

func withoutSEI(stream []byte) (out []byte) {
	for _, u := range units(stream) {
		if !isSEI(u) {
			out = append(out, u...)
		}
	}
	return out
}

// testSound is a chord, as long as asked for.
func testSound(s *plan.Sound) []byte {
	var b bytes.Buffer
	w, err := mix.NewWAVWriter(&b, media.MixRate, 2, s.Samples)
	if err != nil {
		panic(err)
	}
	left := make([]float32, s.Samples)
	for i := range left {
		t := 2 * math.Pi * float64(i) / float64(media.MixRate)
		left[i] = float32(0.02 * (math.Sin(300*t) + math.Sin(375*t) + math.Sin(450*t)))
	}
	if err := errors.Join(w.Write([][]float32{left, left}), w.Close()); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// counter counts what was put into the buckets.
type counter struct {
	mu sync.Mutex
	n  map[string]int
}

func (c *counter) of(role, key string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n[role+"/"+key]
}

type countingBucket struct {
	bucket.Bucket
	role string
	puts *counter
}

func (c *countingBucket) Put(ctx context.Context, key string, r io.Reader, o bucket.PutOptions) (bucket.Info, error) {
	info, err := c.Bucket.Put(ctx, key, r, o)
	if err == nil {
		c.puts.mu.Lock()
		c.puts.n[c.role+"/"+key]++
		c.puts.mu.Unlock()
	}
	return info, err
}

// testWriter writes the log where go test shows it.
type testWriter struct{ t *testing.T }

func (w *testWriter) Write(p []byte) (int, error) {
	w.t.Log(strings.TrimRight(string(p), "\n"))
	return len(p), nil
}
