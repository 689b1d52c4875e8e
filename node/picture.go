package node

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"image"
	"io"

	"golang.org/x/sync/errgroup"

	"github.com/choirless/render/bucket"
	"github.com/choirless/render/encode"
	"github.com/choirless/render/engine"
	"github.com/choirless/render/media"
	"github.com/choirless/render/plan"
)

// framesInFlight bounds the composed frames that wait for the encoder. With 4 the
// two wait for each other more often; with 24 they do no less (bench/RESULTS.md).
const framesInFlight = 12

// picture composes one cell and stores it as a raw H.264 stream. Decoding,
// composing and encoding run in a goroutine each: cells run beside each other,
// but software contexts draw in turns, and who waits for his turn decodes. It calls
// done when all is composed, while the last pictures are still being encoded.
//
// A cell that is the whole canvas has no neighbour and needs no promise. Any
// other is encoded for good where the encoder keeps motion inside it, and finely
// where it does not, to be encoded once more with its neighbours.
func (n *Node) picture(ctx context.Context, b bucket.Buckets, key string, p *plan.Picture, progress func(float64), done func()) (plan.CellResult, error) {
	res := plan.CellResult{}
	whole := p.Height == p.Encoder.CanvasHeight
	if err := usable(p.Encoder, whole); err != nil {
		return res, fmt.Errorf("stripe %d: %w", p.Stripe, err)
	}
	keeps, err := whole, error(nil)
	if !whole {
		if keeps, err = n.keepsMotion(ctx, p.Encoder); err != nil {
			return res, fmt.Errorf("stripe %d: %w", p.Stripe, err)
		}
	}
	check := keeps && !whole && (n.cfg.Verify || sampled(key, p))
	tiles := n.parking.openTiles(ctx, b, p, n.cfg.Decoder)
	defer tiles.Close()
	if err := tiles.missing(); err != nil {
		return res, fmt.Errorf("stripe %d: %w", p.Stripe, err)
	}
	scene, err := scene(p, func(o plan.Overlay) (image.Image, error) { return n.images.read(ctx, b, o) })
	if err != nil {
		return res, fmt.Errorf("stripe %d: %w", p.Stripe, err)
	}

	var enc *encode.Cell
	write := func(w io.Writer) (err error) {
		eng, err := n.takeEngine(ctx)
		if err != nil {
			return err
		}
		atRest := false
		defer func() {
			if !atRest {
				n.giveEngine(eng, err != nil && ctx.Err() == nil)
			}
		}()
		canvas, err := eng.NewCanvas(ctx, scene)
		if err != nil {
			return err
		}
		defer canvas.Close()
		o := encode.CellOptions{
			Codec: encode.Codec(p.Encoder.Codec),
			Width: p.Width, Height: p.Height, Rate: p.Rate,
			Preset: p.Encoder.Preset, CRF: p.Encoder.CRF, GOP: p.Encoder.GOP,
			StripeMV: keeps && !whole, CanvasHeight: p.Encoder.CanvasHeight, Threads: 1,
		}
		if !keeps {
			o.CRF = p.Encoder.MezzanineCRF
		}
		var kept bytes.Buffer
		if check {
			w = io.MultiWriter(w, &kept)
		}
		open := func(ctx context.Context) (c *encode.Cell, leave func(), err error) {
			if leave, err = n.takeEncoder(ctx); err != nil {
				return nil, nil, err
			}
			if enc, err = encode.NewCell(w, o); err != nil {
				leave()
			}
			return enc, leave, err
		}
		var trouble error
		err = compose(ctx, p, tiles, canvas, open, progress, func() {
			canvas.Close()
			n.giveEngine(eng, false)
			atRest = true
			n.decodes(tiles) // parking takes them away
			if trouble = tiles.trouble(); trouble == nil {
				n.parking.park(tiles, p)
			}
			tiles.Close() // before the next cell opens its own
			done()
		})
		if err = cmp.Or(err, trouble); err != nil || !check {
			return err
		}
		res.Checked = true
		few := sampledPictures
		if n.cfg.Verify {
			few = p.Segment.Count
		}
		res.Leaks, err = n.poisoned(ctx, kept.Bytes(), o, p.Segment.Count, few)
		return err
	}
	info, err := putStream(ctx, b, p.Out, write)
	if err != nil {
		return res, fmt.Errorf("stripe %d, segment %d: %w", p.Stripe, p.Segment.Index, err)
	}
	n.encodes(encode.Codec(p.Encoder.Codec))
	res.Frames, res.Bytes = enc.Frames(), info.Size
	res.Stitchable = whole || (enc.Stitchable() && res.Leaks == 0)
	if res.Leaks > 0 {
		n.distrust(p.Encoder)
		n.cfg.Log.Error("motion leaves the stripe, it cannot be joined", "stripe", p.Stripe, "segment", p.Segment.Index, "pictures", res.Leaks)
	}
	res.Warnings = tiles.Warnings()
	if res.Frames != p.Segment.Count {
		return res, fmt.Errorf("stripe %d, segment %d: %d frames encoded, want %d", p.Stripe, p.Segment.Index, res.Frames, p.Segment.Count)
	}
	return res, nil
}

// usable reports why this node cannot encode as it is asked to.
func usable(e plan.Encoder, whole bool) error {
	c := encode.Codec(e.Codec)
	if c != encode.X264 && !whole {
		return fmt.Errorf("encoder %v: it encodes whole pictures only", c)
	}
	return available(c)
}

// composed is a frame on its way to the encoder.
type composed struct {
	frame   *media.Frame
	release func()
}

// compose drives the cell: every tile is asked for its picture of each output
// frame, some frames ahead; the canvas draws those that changed, and hands the
// frame to the encoder's goroutine, which opens the encoder and closes it. When the
// last is handed on, tiles and canvas are needed no more: then it calls done.
func compose(ctx context.Context, p *plan.Picture, tiles *Tiles, canvas *engine.Canvas, open opener, progress func(float64), done func()) error {
	batches := make(chan [][]engine.Update, batchesReady)
	frames := make(chan composed, framesInFlight)
	g, gctx := errgroup.WithContext(ctx)
	gctx, stop := context.WithCancelCause(gctx)
	defer stop(nil)
	g.Go(func() error {
		defer close(batches)
		return tiles.ahead(gctx, p, batches)
	})
	g.Go(func() error {
		err := composeFrames(gctx, p, batches, canvas, frames, progress)
		close(frames) // before done: the next cell waits for this one's encoder
		if err == nil {
			done()
		}
		return err
	})
	g.Go(func() error {
		err := encodeFrames(gctx, open, frames)
		if err != nil {
			stop(err)
			for c := range frames {
				c.release()
			}
		}
		return err
	})
	return g.Wait()
}

// opener makes the encoder of a cell, when there is room for one. Leave is called
// after it is closed.
type opener func(context.Context) (enc *encode.Cell, leave func(), err error)

func encodeFrames(ctx context.Context, open opener, frames <-chan composed) error {
	enc, leave, err := open(ctx)
	if err != nil {
		return err
	}
	defer leave()
	for c := range frames {
		err := enc.Write(c.frame)
		c.release()
		if err != nil {
			return cmp.Or(err, enc.Close())
		}
	}
	return enc.Close()
}

func composeFrames(ctx context.Context, p *plan.Picture, batches <-chan [][]engine.Update, canvas *engine.Canvas, frames chan<- composed, progress func(float64)) error {
	begun := 0
	var batch [][]engine.Update
	for i := range p.Segment.Count {
		for ; begun < p.Segment.Count && begun-i < canvas.InFlight(); begun++ {
			if len(batch) == 0 {
				if batch = <-batches; batch == nil {
					return context.Cause(ctx)
				}
			}
			if err := canvas.Begin(ctx, batch[0]); err != nil {
				return fmt.Errorf("frame %d: %w", p.Segment.First+begun, err)
			}
			batch = batch[1:]
		}
		f, release, err := canvas.Finish(ctx)
		if err != nil {
			return fmt.Errorf("frame %d: %w", p.Segment.First+i, err)
		}
		select {
		case frames <- composed{f, release}:
		case <-ctx.Done():
			release()
			return context.Cause(ctx)
		}
		progress(100 * float64(i+1) / float64(p.Segment.Count))
	}
	return nil
}
