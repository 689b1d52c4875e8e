package coordinator

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/choirless/render/bucket"
	"github.com/choirless/render/definition"
	"github.com/choirless/render/encode"
	"github.com/choirless/render/media"
	"github.com/choirless/render/plan"
	"github.com/choirless/render/queue"
)

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
	gone      bool // because an object is
	blame     definition.PartID
	lose      bool // no report at all, as if the node died
	silent    bool // begun, and never heard of again
	back      bool // begun, and handed back
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
	if err := queue.Decode(l.Body(), &first); err != nil {
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
	if c.back {
		if err := l.Nack(ctx, handBack/2); err != nil {
			return err
		}
	} else if err := l.Ack(ctx); err != nil && !errors.Is(err, queue.ErrLost) { // lost: the first of a row has acked it
		return err
	}
	if c.lose {
		return nil
	}
	started := plan.Report{State: plan.ReportStarted, Delivery: rand.Text()}
	if c.silent {
		return n.send(ctx, a, c, started)
	}
	if c.back {
		back := plan.Report{State: plan.ReportReturned, Delivery: started.Delivery}
		return errors.Join(n.send(ctx, a, c, started), n.send(ctx, a, c, back)) // in whatever order they are dealt with
	}
	if c.fail != "" {
		return errors.Join(n.send(ctx, a, c, started), n.send(ctx, a, c, plan.Report{State: plan.ReportFailed, Error: c.fail, Permanent: c.permanent, Gone: c.gone, Part: c.blame}))
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
