package stitch

import (
	"errors"
	"fmt"
)

// Descriptor tags of ISO/IEC 14496-1, 7.2.2.1.
const (
	tagES            = 3
	tagDecoderConfig = 4
	tagSpecificInfo  = 5
	tagSLConfig      = 6
)

// esds writes the elementary stream descriptor (14496-1, 7.2.6.5 to 7.2.6.8).
func (t *audioTrack) esds(x *boxes) {
	average := uint32(0)
	if d := t.durations.total(); d > 0 {
		average = uint32(t.bytes * 8 * int64(t.timescale) / d)
	}
	peak := average
	if len(t.durations) > 0 {
		peak = max(peak, uint32(t.peak*8*int64(t.timescale)/t.durations[0].value))
	}
	var info, config, es boxes
	info.descriptor(tagSpecificInfo, t.config)
	config.u8(0x40)           // objectTypeIndication: 14496-3 audio
	config.u8(0x15)           // audio stream, upstream 0, reserved 1
	config.u8(0, 0x18, 0)     // decoding buffer: 6144 bits a channel are enough for AAC-LC
	config.u32(peak, average) // bits per second
	config.u8(info.b...)      //
	es.u16(0)                 // ES_ID, 0 in a file
	es.u8(0)                  // no dependency, URL or clock
	es.descriptor(tagDecoderConfig, config.b)
	es.descriptor(tagSLConfig, []byte{2}) // predefined for MP4
	x.full("esds", 0, 0)
	x.descriptor(tagES, es.b)
	x.end()
}

// descriptor writes a descriptor with its size in four bytes, the form that
// every reader knows (14496-1, 8.3.3).
func (x *boxes) descriptor(tag uint8, b []byte) {
	n := len(b)
	x.u8(tag, 0x80|uint8(n>>21), 0x80|uint8(n>>14&0x7f), 0x80|uint8(n>>7&0x7f), uint8(n&0x7f))
	x.u8(b...)
}

// parseESDS finds the AudioSpecificConfig in an elementary stream descriptor
// (14496-1, 7.2.6.5).
func parseESDS(b []byte) ([]byte, error) {
	if len(b) < 4 {
		return nil, errCutShort
	}
	es, err := descriptorBody(b[4:], tagES)
	if err != nil {
		return nil, err
	}
	if len(es) < 3 || es[2]&0xe0 != 0 { // dependsOn_ES_ID, URL, OCR: not in files
		return nil, errors.New("descriptor with dependency, URL or clock")
	}
	config, err := descriptorBody(es[3:], tagDecoderConfig)
	if err != nil {
		return nil, err
	}
	if len(config) < 13 {
		return nil, errCutShort
	}
	if config[0] != 0x40 {
		return nil, fmt.Errorf("object type %#x, want 0x40 (MPEG-4 audio)", config[0])
	}
	return descriptorBody(config[13:], tagSpecificInfo)
}

// descriptorBody returns the content of a descriptor at the beginning of b.
func descriptorBody(b []byte, tag uint8) ([]byte, error) {
	if len(b) < 2 || b[0] != tag {
		return nil, fmt.Errorf("no descriptor of tag %d", tag)
	}
	n := 0
	for i := 1; i < len(b) && i <= 4; i++ {
		n = n<<7 | int(b[i]&0x7f)
		if b[i]&0x80 == 0 {
			if n > len(b)-i-1 {
				break
			}
			return b[i+1 : i+1+n], nil
		}
	}
	return nil, errCutShort
}
