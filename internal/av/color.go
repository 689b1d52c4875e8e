package av

//#include "av.h"
import "C"

import "github.com/choirless/render/media"

// color translates libav's tags, which are the code points of ISO/IEC 23091-2.
func color(m C.enum_AVColorSpace, r C.enum_AVColorRange, p C.enum_AVColorPrimaries, t C.enum_AVColorTransferCharacteristic) media.Color {
	var c media.Color
	switch m {
	case C.AVCOL_SPC_BT709, C.AVCOL_SPC_SMPTE240M: // 240M differs from 709 in the third digit
		c.Matrix = media.BT709
	case C.AVCOL_SPC_BT470BG, C.AVCOL_SPC_SMPTE170M, C.AVCOL_SPC_FCC:
		c.Matrix = media.BT601
	case C.AVCOL_SPC_BT2020_NCL, C.AVCOL_SPC_BT2020_CL:
		c.Matrix = media.BT2020
	}
	switch r {
	case C.AVCOL_RANGE_MPEG:
		c.Range = media.Limited
	case C.AVCOL_RANGE_JPEG:
		c.Range = media.Full
	}
	switch p {
	case C.AVCOL_PRI_BT709:
		c.Primaries = media.Primaries709
	case C.AVCOL_PRI_BT470BG, C.AVCOL_PRI_SMPTE170M, C.AVCOL_PRI_SMPTE240M:
		c.Primaries = media.Primaries601
	case C.AVCOL_PRI_BT2020:
		c.Primaries = media.Primaries2020
	}
	switch t {
	case C.AVCOL_TRC_SMPTE2084:
		c.Transfer = media.TransferPQ
	case C.AVCOL_TRC_ARIB_STD_B67:
		c.Transfer = media.TransferHLG
	case C.AVCOL_TRC_BT709, C.AVCOL_TRC_SMPTE170M, C.AVCOL_TRC_SMPTE240M, C.AVCOL_TRC_GAMMA22,
		C.AVCOL_TRC_GAMMA28, C.AVCOL_TRC_IEC61966_2_1, C.AVCOL_TRC_BT2020_10, C.AVCOL_TRC_BT2020_12:
		c.Transfer = media.TransferSDR
	}
	return c
}

func siting(l C.enum_AVChromaLocation) media.Siting {
	switch l {
	case C.AVCHROMA_LOC_LEFT:
		return media.SitingLeft
	case C.AVCHROMA_LOC_CENTER:
		return media.SitingCenter
	case C.AVCHROMA_LOC_TOPLEFT:
		return media.SitingTopLeft
	}
	return media.SitingUnknown
}

// yuvj: libav's J formats are full range whatever the tag says, and come from
// JPEG, whose chroma sits in the centre unless something says otherwise.
func yuvj(f C.enum_AVPixelFormat, c *media.Color, s *media.Siting) {
	switch f {
	case C.AV_PIX_FMT_YUVJ420P, C.AV_PIX_FMT_YUVJ422P, C.AV_PIX_FMT_YUVJ444P, C.AV_PIX_FMT_YUVJ440P, C.AV_PIX_FMT_YUVJ411P:
		c.Range = media.Full
		if *s == media.SitingUnknown {
			*s = media.SitingCenter
		}
	}
}

// colorTags is the inverse of color, with one code point for each value.
func colorTags(c media.Color) (m C.enum_AVColorSpace, r C.enum_AVColorRange, p C.enum_AVColorPrimaries, t C.enum_AVColorTransferCharacteristic) {
	m = map[media.Matrix]C.enum_AVColorSpace{
		media.MatrixUnknown: C.AVCOL_SPC_UNSPECIFIED, media.BT601: C.AVCOL_SPC_SMPTE170M,
		media.BT709: C.AVCOL_SPC_BT709, media.BT2020: C.AVCOL_SPC_BT2020_NCL,
	}[c.Matrix]
	r = map[media.Range]C.enum_AVColorRange{
		media.RangeUnknown: C.AVCOL_RANGE_UNSPECIFIED, media.Limited: C.AVCOL_RANGE_MPEG, media.Full: C.AVCOL_RANGE_JPEG,
	}[c.Range]
	p = map[media.Primaries]C.enum_AVColorPrimaries{
		media.PrimariesUnknown: C.AVCOL_PRI_UNSPECIFIED, media.Primaries601: C.AVCOL_PRI_SMPTE170M,
		media.Primaries709: C.AVCOL_PRI_BT709, media.Primaries2020: C.AVCOL_PRI_BT2020,
	}[c.Primaries]
	t = map[media.Transfer]C.enum_AVColorTransferCharacteristic{
		media.TransferUnknown: C.AVCOL_TRC_UNSPECIFIED, media.TransferSDR: C.AVCOL_TRC_BT709,
		media.TransferPQ: C.AVCOL_TRC_SMPTE2084, media.TransferHLG: C.AVCOL_TRC_ARIB_STD_B67,
	}[c.Transfer]
	return m, r, p, t
}

func sitingTag(s media.Siting) C.enum_AVChromaLocation {
	return map[media.Siting]C.enum_AVChromaLocation{
		media.SitingUnknown: C.AVCHROMA_LOC_UNSPECIFIED, media.SitingLeft: C.AVCHROMA_LOC_LEFT,
		media.SitingCenter: C.AVCHROMA_LOC_CENTER, media.SitingTopLeft: C.AVCHROMA_LOC_TOPLEFT,
	}[s]
}

// pixelFormat is the planar format of 8 or 10 bits, none when there is no such.
func pixelFormat(depth, subX, subY int, grey bool) C.enum_AVPixelFormat {
	type key struct {
		depth, x, y int
		grey        bool
	}
	f, ok := map[key]C.enum_AVPixelFormat{
		{8, 1, 1, false}:  C.AV_PIX_FMT_YUV420P,
		{8, 1, 0, false}:  C.AV_PIX_FMT_YUV422P,
		{8, 0, 0, false}:  C.AV_PIX_FMT_YUV444P,
		{8, 0, 0, true}:   C.AV_PIX_FMT_GRAY8,
		{10, 1, 1, false}: C.AV_PIX_FMT_YUV420P10LE,
		{10, 1, 0, false}: C.AV_PIX_FMT_YUV422P10LE,
		{10, 0, 0, false}: C.AV_PIX_FMT_YUV444P10LE,
		{10, 0, 0, true}:  C.AV_PIX_FMT_GRAY10LE,
	}[key{depth, subX, subY, grey}]
	if !ok {
		return C.AV_PIX_FMT_NONE
	}
	return f
}
