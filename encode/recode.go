package encode

import (
	"fmt"
	"io"

	"github.com/choirless/render/internal/av"
	"github.com/choirless/render/media"
)

// recoder encodes the pictures of a part that cannot be taken over: any size,
// 8 or 10 bits, any subsampling, at whatever times they come.
type recoder struct {
	e      *av.Encoder
	packet *av.Packet
	like   media.Frame // size and format of the first picture, planes of the scratch
	last   media.PTS
	begun  bool
}

// recodeTimeBase is Matroska's.
var recodeTimeBase = media.TimeBase{Num: 1, Den: 1000}

func newRecoder(like *media.Frame, threads int) (*recoder, error) {
	depth := 8
	if like.Depth > 8 {
		depth = 10
	}
	// x264 wants whole chroma samples; an odd last row or column is repeated.
	w := (like.Width() + 1<<like.SubX - 1) >> like.SubX << like.SubX
	h := (like.Height() + 1<<like.SubY - 1) >> like.SubY << like.SubY
	r := &recoder{packet: av.NewPacket()}
	r.like = *like
	r.like.Depth = depth
	grey := len(like.Planes[1].Data) == 0
	for i := range r.like.Planes {
		if grey && i > 0 {
			r.like.Planes[i] = media.Plane{}
			continue
		}
		pw, ph := w, h
		if i > 0 {
			pw, ph = w>>like.SubX, h>>like.SubY
		}
		stride := (pw*(depth+7)/8 + 31) &^ 31
		r.like.Planes[i] = media.Plane{Data: make([]byte, stride*ph), Stride: stride, Width: pw, Height: ph}
	}
	var err error
	r.e, err = av.NewEncoder(av.EncoderOptions{
		Codec: "libx264", Header: true, Threads: threads,
		Options: []av.Option{
			{Key: "preset", Value: reencodePreset},
			{Key: "crf", Value: reencodeCRF},
			{Key: "x264-params", Value: fmt.Sprintf("keyint=%d", reencodeGOP)},
		},
		Width: w, Height: h, Depth: depth, SubX: like.SubX, SubY: like.SubY, Grey: grey,
		TimeBase: recodeTimeBase, Rate: media.FrameRate{Num: 30, Den: 1},
		SAR: like.SAR, Color: like.Color, Siting: like.Siting,
	})
	if err != nil {
		r.packet.Close()
		return nil, err
	}
	return r, nil
}

func (r *recoder) close() {
	r.packet.Close()
	r.e.Close()
}

func (r *recoder) write(f *media.Frame, m *av.Muxer, stream int) error {
	at := recodeTimeBase.PTS(f.Time)
	if r.begun && at <= r.last {
		at = r.last + 1 // times must grow; a millisecond is not seen
	}
	r.begun, r.last = true, at
	if err := r.e.SendPicture(r.fit(f), at); err != nil {
		return fmt.Errorf("encode: picture: %w", err)
	}
	return r.drain(m, stream)
}

func (r *recoder) finish(m *av.Muxer, stream int) error {
	if err := r.e.Finish(); err != nil {
		return fmt.Errorf("encode: picture: %w", err)
	}
	return r.drain(m, stream)
}

func (r *recoder) drain(m *av.Muxer, stream int) error {
	for {
		err := r.e.Receive(r.packet)
		if err == av.ErrAgain || err == io.EOF {
			return nil
		}
		if err == nil {
			err = m.Write(stream, r.packet, r.e.TimeBase())
		}
		if err != nil {
			return fmt.Errorf("encode: picture: %w", err)
		}
	}
}

// fit returns f in the size and format of the encoder. A picture of another size
// is put into the middle as large as it goes, by nearest samples: it happens
// only to recordings that change size on the way and cannot be taken over.
func (r *recoder) fit(f *media.Frame) *media.Frame {
	l := &r.like
	same := f.Depth == l.Depth && f.SubX == l.SubX && f.SubY == l.SubY
	for i := range l.Planes {
		same = same && f.Planes[i].Width == l.Planes[i].Width && f.Planes[i].Height == l.Planes[i].Height
	}
	if same {
		return f
	}
	scale := min(float64(l.Width())/float64(f.Width()), float64(l.Height())/float64(f.Height()))
	if f.Width() <= l.Width() && l.Width()-f.Width() <= 1 && f.Height() <= l.Height() && l.Height()-f.Height() <= 1 {
		scale = 1 // only padded
	}
	for i := range l.Planes {
		if len(l.Planes[i].Data) > 0 {
			fitPlane(&l.Planes[i], &f.Planes[i], l.Depth, f.Depth, i > 0, scale)
		}
	}
	return l
}

// fitPlane scales src about the middle into dst, by nearest samples. Outside of
// it is black; at a scale of 1 the last row and column are repeated instead.
func fitPlane(dst, src *media.Plane, depth, from int, chroma bool, scale float64) {
	outside := 16 << (depth - 8)
	if chroma {
		outside = 128 << (depth - 8)
	}
	// Chroma planes of another subsampling scale by their own sizes.
	w, h := float64(dst.Width), float64(dst.Height)
	if scale != 1 {
		w, h = min(w, float64(src.Width)*scale), min(h, float64(src.Height)*scale)
	} else {
		w, h = float64(src.Width), float64(src.Height)
	}
	x0, y0 := (float64(dst.Width)-w)/2, (float64(dst.Height)-h)/2
	if scale == 1 {
		x0, y0 = 0, 0
	}
	for y := range dst.Height {
		sy := int((float64(y) + 0.5 - y0) * float64(src.Height) / h)
		for x := range dst.Width {
			sx := int((float64(x) + 0.5 - x0) * float64(src.Width) / w)
			v := outside
			if scale == 1 || sx >= 0 && sx < src.Width && sy >= 0 && sy < src.Height && float64(x) >= x0 && float64(y) >= y0 {
				v = sample(src, min(max(sx, 0), src.Width-1), min(max(sy, 0), src.Height-1), from)
				if from > depth {
					v = min((v+1<<(from-depth-1))>>(from-depth), 1<<depth-1)
				} else {
					v <<= depth - from
				}
			}
			if depth > 8 {
				dst.Data[y*dst.Stride+2*x], dst.Data[y*dst.Stride+2*x+1] = byte(v), byte(v>>8)
			} else {
				dst.Data[y*dst.Stride+x] = byte(v)
			}
		}
	}
}

// sample returns one sample of a plane of the given depth.
func sample(p *media.Plane, x, y, depth int) int {
	if depth > 8 {
		o := y*p.Stride + 2*x
		return int(p.Data[o]) | int(p.Data[o+1])<<8
	}
	return int(p.Data[y*p.Stride+x])
}
