package encode

import (
	"bytes"
	"errors"
	"fmt"
	"sync"

	"github.com/choirless/render/internal/av"
	"github.com/choirless/render/media"
)

// Codec is what encodes cells.
//
// x264 is the first class: it runs everywhere, and our patch of it keeps motion
// inside a stripe, so that stripes are joined without another encode. NVENC is
// the encoder in NVIDIA's consumer and workstation cards (not in the H100 and
// H200): quick and free of CPU, but its motion goes where it likes, so it is used
// for whole pictures only. A song has one codec: joined segments share their
// parameter sets.
type Codec string

// The codecs.
const (
	X264  Codec = "" // the default, not written down
	NVENC Codec = "nvenc"
)

// ParseCodec reads what a person says: x264 or nvenc.
func ParseCodec(s string) (Codec, error) {
	switch s {
	case "x264":
		return X264, nil
	case "nvenc":
		return NVENC, nil
	}
	return X264, fmt.Errorf("encoder %q, want x264 or nvenc", s)
}

// String is the codec's name.
func (c Codec) String() string {
	if c == X264 {
		return "x264"
	}
	return string(c)
}

// Library is the name of the encoder in libav.
func (c Codec) Library() string {
	if c == NVENC {
		return "h264_nvenc"
	}
	return "libx264"
}

// Available returns nil if the codec works on this machine, and else why not. It is
// found out by opening the codec and encoding a few pictures: a driver may be there
// without a card, a card without an encoder. A codec that has worked is not tried again,
// one that has not is: a driver may come later. It may block for a second. Safe for
// concurrent use.
func (c Codec) Available() error {
	switch c {
	case X264:
		return x264.available()
	case NVENC:
		return nvenc.available()
	}
	return fmt.Errorf("encode: no codec %q", string(c))
}

// BestCodec is the quickest codec that works here.
func BestCodec() Codec {
	if NVENC.Available() == nil {
		return NVENC
	}
	return X264
}

var (
	x264  = trial{try: func() error { return try(X264) }}
	nvenc = trial{try: func() error { return try(NVENC) }}
)

// trial tries something until it has worked once.
type trial struct {
	try    func() error
	mu     sync.Mutex
	worked bool
}

func (t *trial) available() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.worked {
		return nil
	}
	err := t.try()
	t.worked = err == nil
	return err
}

// Of the try: two GOPs of pictures large enough for every NVENC.
const tryGOP, tryWidth, tryHeight = 4, 320, 192

// try encodes moving pictures and looks whether the stream is as cells must be.
func try(c Codec) error {
	var out bytes.Buffer
	e, err := NewCell(&out, CellOptions{
		Codec: c, Width: tryWidth, Height: tryHeight, Rate: media.FrameRate{Num: 25, Den: 1},
		CRF: 23, GOP: tryGOP,
	})
	if err != nil {
		return err
	}
	f := media.NewFrame(tryWidth, tryHeight)
	for i := 0; i < 2*tryGOP && err == nil; i++ {
		for p := range f.Planes {
			for j := range f.Planes[p].Data {
				f.Planes[p].Data[j] = byte(100 + (j+7*i)%40)
			}
		}
		err = e.Write(f)
	}
	if err = errors.Join(err, e.Close()); err != nil {
		return err
	}
	return checkTry(out.Bytes(), e.Frames())
}

// checkTry reports how a stream of two GOPs is not what a cell must be.
func checkTry(stream []byte, frames int) error {
	if frames != 2*tryGOP {
		return fmt.Errorf("encode: %d pictures came out of %d", frames, 2*tryGOP)
	}
	var idrs []int
	pictures := 0
	for _, nal := range splitNALs(stream) {
		switch kind := nal[0] & 0x1f; kind {
		case 1, 5:
			if kind == 5 {
				idrs = append(idrs, pictures)
			}
			pictures++
		}
	}
	if pictures != 2*tryGOP || len(idrs) != 2 || idrs[0] != 0 || idrs[1] != tryGOP {
		return fmt.Errorf("encode: %d slices with IDR pictures at %v, want %d with IDR pictures at 0 and %d", pictures, idrs, 2*tryGOP, tryGOP)
	}
	return nil
}

// splitNALs cuts a byte stream (ITU-T H.264 annex B) at its start codes.
func splitNALs(stream []byte) (nals [][]byte) {
	for _, nal := range bytes.Split(stream, []byte{0, 0, 1}) {
		if len(nal) > 0 && !bytes.Equal(nal, []byte{0}) {
			nals = append(nals, nal)
		}
	}
	return nals
}

// encoder returns libav's name for the codec, and its options.
//
// NVENC: closed GOPs of fixed length without B pictures, which not every card
// has; a constant quality near that of x264's rate factor; nothing that depends
// on the content in the parameter sets.
func (o *CellOptions) encoder() (name string, options []av.Option) {
	if o.Codec == NVENC {
		return o.Codec.Library(), []av.Option{
			{Key: "preset", Value: "p5"},
			{Key: "tune", Value: "hq"},
			{Key: "profile", Value: "high"},
			{Key: "level", Value: level(o.Width, o.CanvasHeight, o.Rate, o.Preset)},
			{Key: "rc", Value: "vbr"},
			{Key: "cq", Value: fmt.Sprint(o.CRF)},
			{Key: "b", Value: "0"},
			{Key: "g", Value: fmt.Sprint(o.GOP)},
			{Key: "bf", Value: "0"},
			{Key: "forced-idr", Value: "1"},
			{Key: "strict_gop", Value: "1"},
			{Key: "no-scenecut", Value: "1"},
			{Key: "a53cc", Value: "0"},
		}
	}
	return o.Codec.Library(), []av.Option{
		{Key: "preset", Value: o.Preset},
		{Key: "crf", Value: fmt.Sprint(o.CRF)},
		{Key: "x264-params", Value: o.params()},
	}
}
