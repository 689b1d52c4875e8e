package coordinator

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"

	"github.com/choirless/render/align"
	"github.com/choirless/render/encode"
	"github.com/choirless/render/media"
	"github.com/choirless/render/mix"
	"github.com/choirless/render/plan"
)

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

// testSound is a chord, as long as asked for and with the gain of the loudest voice.
func testSound(s *plan.Sound) []byte {
	var b bytes.Buffer
	w, err := mix.NewWAVWriter(&b, media.MixRate, 2, s.Samples)
	if err != nil {
		panic(err)
	}
	gain := 0.0
	for _, v := range s.Voices {
		gain = max(gain, v.Gain)
	}
	left := make([]float32, s.Samples)
	for i := range left {
		t := 2 * math.Pi * float64(i) / float64(media.MixRate)
		left[i] = float32(0.02 * gain * (math.Sin(300*t) + math.Sin(375*t) + math.Sin(450*t)))
	}
	if err := errors.Join(w.Write([][]float32{left, left}), w.Close()); err != nil {
		panic(err)
	}
	return b.Bytes()
}
