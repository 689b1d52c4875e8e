package decode

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/choirless/render/internal/av"
)

// Decoder is what decodes the pictures of recordings.
//
// Software, libav's own decoders, is the first class: it runs everywhere and reads
// everything. NVDEC is the decoder in NVIDIA's cards (also in the H100 and H200,
// which have no encoder). The standards prescribe every sample of a decoded picture,
// so that the same comes of a recording whoever decodes it; a card's decoder is held
// to that before it is used (verify.go) and while it is (card.go).
type Decoder string

// The decoders.
const (
	Software Decoder = "" // the default, not written down
	NVDEC    Decoder = "nvdec"
)

// Codecs are those, by libav's name, that another decoder than Software may decode.
var Codecs = []string{"av1", "h264", "hevc", "vp8", "vp9"}

// DecoderNames are what ChooseDecoder takes.
var DecoderNames = []string{"auto", "software", "nvdec"}

// ChooseDecoder turns what a person says into a decoder: software; auto for nvdec
// with the codecs that it is available for; or nvdec, which is the same but an error
// where there is no such codec. That is found out by trying, which may block for a
// second.
func ChooseDecoder(s string) (Decoder, error) {
	switch s {
	case "software":
		return Software, nil
	case "auto":
		return NVDEC, nil
	case "nvdec":
		return NVDEC, anyAvailable(NVDEC)
	}
	return Software, fmt.Errorf("decoder %q, want auto, software or nvdec", s)
}

// anyAvailable returns nil if d is available for a codec, and else why not.
func anyAvailable(d Decoder) error {
	var reasons []string
	for _, codec := range Codecs {
		err := d.Available(codec)
		if err == nil {
			return nil
		}
		reasons = append(reasons, err.Error())
	}
	return fmt.Errorf("decoder %v: not available on this machine: %s", d, strings.Join(slices.Compact(reasons), "; "))
}

// String is the decoder's name.
func (d Decoder) String() string {
	if d == Software {
		return "software"
	}
	return string(d)
}

// Available returns nil if the decoder may be used for a codec on this machine, and
// else why not. It is found out once a codec, which may block for a second. Safe for
// concurrent use.
func (d Decoder) Available(codec string) error {
	switch {
	case d == Software:
		return nil
	case d != NVDEC:
		return fmt.Errorf("decode: no decoder %q", string(d))
	case !slices.Contains(Codecs, codec):
		return fmt.Errorf("codec %s", codec)
	}
	return nvdecAvailable[codec]()
}

// Says is what About pages and logs say of d and a codec: "nvdec", "software", or
// "software: nvdec not available: …".
func (d Decoder) Says(codec string) string {
	if err := d.Available(codec); err != nil {
		return fmt.Sprintf("software: %v not available: %v", d, err)
	}
	return d.String()
}

var nvdecAvailable = func() map[string]func() error {
	all := map[string]func() error{}
	for _, codec := range Codecs {
		all[codec] = sync.OnceValue(func() error {
			if err := av.CUDA(); err != nil {
				return err
			}
			return verify(nvdec(codec), codec)
		})
	}
	return all
}()

// nvdec is what libav calls NVDEC's decoder of a codec.
func nvdec(codec string) *candidate { return &candidate{library: codec + "_cuvid"} }

// candidate returns what d decodes a codec with, nil for libav's own decoder.
func (d Decoder) candidate(codec string) *candidate {
	if d == Software || d.Available(codec) != nil {
		return nil
	}
	return nvdec(codec)
}
