package stitch

import (
	"bytes"
	"regexp"
	"strconv"
)

// seiUser is payloadType user_data_unregistered (ITU-T H.264, D.1.1 and D.1.7).
const seiUser = 5

// x264UUID marks x264's description of itself and its settings; the text
// follows up to a zero byte (x264, encoder/set.c, x264_sei_version_write).
var x264UUID = []byte{0xdc, 0x45, 0xe9, 0xbd, 0xe6, 0xd9, 0x48, 0xb7, 0x96, 0x2c, 0xd8, 0x20, 0xd9, 0x23, 0xee, 0xef}

// StripeMV reports whether a SEI NAL unit (header byte first, no start code) is
// x264's and says that motion is kept inside the picture: bit 0x8000 in the
// second number of "analyse=a:b". The option being taken proves nothing, as a
// stock library takes it in silence.
func StripeMV(sei []byte) bool {
	return len(sei) > 0 && nalType(sei) == nalSEI && keepsMotionInside(encoderSettings(sei))
}

// encoderSettings returns x264's settings from a SEI NAL unit, or "".
func encoderSettings(nal []byte) string {
	b := unescape(nil, nal[1:])
	for len(b) > 2 {
		kind, rest := seiNumber(b)
		size, rest := seiNumber(rest)
		if size > len(rest) {
			return ""
		}
		payload := rest[:size]
		if text, ok := bytes.CutPrefix(payload, x264UUID); ok && kind == seiUser {
			text, _, _ = bytes.Cut(text, []byte{0})
			return string(text)
		}
		b = rest[size:]
	}
	return ""
}

// seiNumber reads a payload type or size: bytes of 255 and a last one, summed
// (7.3.2.3.1).
func seiNumber(b []byte) (n int, rest []byte) {
	for len(b) > 0 && b[0] == 255 {
		n += 255
		b = b[1:]
	}
	if len(b) == 0 {
		return n, nil
	}
	return n + int(b[0]), b[1:]
}

// stripeMVFlag is X264_ANALYSE_STRIPE_MV of scripts/x264/stripe-mv.patch.
const stripeMVFlag = 0x8000

// x264 prints both numbers with %#x: zero has no prefix.
var analyseField = regexp.MustCompile(`\banalyse=(?:0x)?[0-9a-f]+:(?:0x)?([0-9a-f]+)\b`)

// keepsMotionInside reads the flag in x264's settings.
func keepsMotionInside(settings string) bool {
	m := analyseField.FindStringSubmatch(settings)
	if m == nil {
		return false
	}
	v, err := strconv.ParseUint(m[1], 16, 32)
	return err == nil && v&stripeMVFlag != 0
}
