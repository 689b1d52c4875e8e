package encode

import (
	"fmt"
	"io"
	"math"

	"github.com/choirless/render/internal/av"
	"github.com/choirless/render/media"
)

// recoder encodes the pictures of a part that cannot be taken over: any size, 8 or
// 10 bits, 4:2:0, 4:2:2, 4:4:4 or grey, at whatever times they come.
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
	// x264 has no 4:1:1, 4:1:0 (DV, old AVI) or 4:4:0: what has no fewer samples, or
	// 4:2:0, takes their place.
	subX := min(like.SubX, 1)
	subY := min(like.SubY, subX)
	// It wants whole chroma samples; an odd last row or column is repeated.
	w := (like.Width() + 1<<subX - 1) >> subX << subX
	h := (like.Height() + 1<<subY - 1) >> subY << subY
	r := &recoder{packet: av.NewPacket()}
	r.like = *like
	r.like.Depth, r.like.SubX, r.like.SubY = depth, subX, subY
	grey := len(like.Planes[1].Data) == 0
	for i := range r.like.Planes {
		if grey && i > 0 {
			r.like.Planes[i] = media.Plane{}
			continue
		}
		pw, ph := w, h
		if i > 0 {
			pw, ph = w>>subX, h>>subY
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
		Width: w, Height: h, Depth: depth, SubX: subX, SubY: subY, Grey: grey,
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

// fit returns f in the size and format of the encoder, by nearest samples. One pixel
// that is missing is repeated. A picture of another size is put into the middle as
// large as it goes: it happens only to recordings that change size on the way and
// cannot be taken over.
func (r *recoder) fit(f *media.Frame) *media.Frame {
	l := &r.like
	same := f.SAR.Float() == l.SAR.Float() && f.Depth == l.Depth && f.SubX == l.SubX && f.SubY == l.SubY
	for i := range l.Planes {
		same = same && f.Planes[i].Width == l.Planes[i].Width && f.Planes[i].Height == l.Planes[i].Height
	}
	if same {
		return f
	}
	lw, lh, fw, fh := float64(l.Width()), float64(l.Height()), float64(f.Width()), float64(f.Height())
	wide := f.SAR.Float() / l.SAR.Float() // its samples may have another shape
	scaleY := min(lw/(fw*wide), lh/fh)
	scaleX := scaleY * wide
	x0, y0 := (lw-fw*scaleX)/2, (lh-fh*scaleY)/2
	if dx, dy := l.Width()-f.Width(), l.Height()-f.Height(); dx>>1 == 0 && dy>>1 == 0 && wide == 1 {
		scaleX, scaleY, x0, y0 = 1, 1, 0, 0
	}
	for i := range l.Planes {
		if len(l.Planes[i].Data) == 0 {
			continue
		}
		outside, subX, subY, fromX, fromY := 16<<(l.Depth-8), 0, 0, 0, 0
		if i > 0 {
			outside = 128 << (l.Depth - 8)
			subX, subY, fromX, fromY = l.SubX, l.SubY, f.SubX, f.SubY
		}
		src := &f.Planes[i]
		columns := nearest(l.Planes[i].Width, src.Width, subX, fromX, x0, scaleX, fw)
		for y, sy := range nearest(l.Planes[i].Height, src.Height, subY, fromY, y0, scaleY, fh) {
			for x, sx := range columns {
				v := outside
				if sx >= 0 && sy >= 0 && len(src.Data) > 0 {
					v = convertDepth(sample(src, sx, sy, f.Depth), f.Depth, l.Depth)
				}
				setSample(&l.Planes[i], x, y, v, l.Depth)
			}
		}
	}
	return l
}

// nearest returns the sample of a source row for each of n samples of a row, or -1
// where there is none: the source, subsampled by 2^from, size luma pixels long and
// samples in number, begins at luma pixel start of a row subsampled by 2^sub. Where it
// begins with the row, its last sample is repeated.
func nearest(n, samples, sub, from int, start, scale, size float64) []int {
	at := make([]int, n)
	for i := range at {
		luma := (math.Ldexp(float64(i)+0.5, sub) - start) / scale
		at[i] = min(int(math.Floor(math.Ldexp(luma, -from))), samples-1)
		if luma < 0 || luma >= size && start != 0 {
			at[i] = -1
		}
	}
	return at
}

func convertDepth(v, from, to int) int {
	if from > to {
		return min((v+1<<(from-to-1))>>(from-to), 1<<to-1)
	}
	return v << (to - from)
}

// sample returns one sample of a plane of the given depth.
func sample(p *media.Plane, x, y, depth int) int {
	if depth > 8 {
		o := y*p.Stride + 2*x
		return int(p.Data[o]) | int(p.Data[o+1])<<8
	}
	return int(p.Data[y*p.Stride+x])
}

func setSample(p *media.Plane, x, y, v, depth int) {
	if depth > 8 {
		p.Data[y*p.Stride+2*x], p.Data[y*p.Stride+2*x+1] = byte(v), byte(v>>8)
		return
	}
	p.Data[y*p.Stride+x] = byte(v)
}
