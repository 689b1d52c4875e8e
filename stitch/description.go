package stitch

import "encoding/binary"

func putU32(b []byte, v uint32) { binary.BigEndian.PutUint32(b, v) }

// description writes stsd with one avc1 entry (14496-15, 5.4.2.1; 14496-12, 12.1.3).
func (t *videoTrack) description(x *boxes) {
	f := t.format
	x.full("stsd", 0, 0)
	x.u32(1)
	x.begin("avc1")
	x.zeros(6)
	x.u16(1) // data_reference_index
	x.zeros(16)
	x.u16(uint16(f.width()), uint16(f.height()))
	x.u32(0x480000, 0x480000, 0) // 72 dpi each way
	x.u16(1)                     // frames per sample
	x.zeros(32)                  // compressor's name
	x.u16(24, 0xffff)            // depth, no colour table
	t.avcC(x)
	if v := &f.vui; v.colour {
		x.begin("colr") // 14496-12, 12.1.5
		x.str("nclx")
		x.u16(uint16(v.primaries), uint16(v.transfer), uint16(v.matrix))
		full := uint8(0)
		if v.fullRange {
			full = 0x80
		}
		x.u8(full)
		x.end()
	}
	if sar := f.vui.sar; sar.Num > 0 && sar.Den > 0 {
		x.begin("pasp") // 14496-12, 12.1.4
		x.u32(uint32(sar.Num), uint32(sar.Den))
		x.end()
	}
	x.end()
	x.end()
}

// avcC writes the AVCDecoderConfigurationRecord (14496-15, 5.3.3.1).
func (t *videoTrack) avcC(x *boxes) {
	x.begin("avcC")
	x.u8(1, t.sps[1], t.sps[2], t.sps[3]) // version; profile, compatibility, level
	x.u8(0xff)                            // lengths are four bytes
	x.u8(0xe1)                            // one SPS
	x.u16(uint16(len(t.sps)))
	x.u8(t.sps...)
	x.u8(1)
	x.u16(uint16(len(t.pps)))
	x.u8(t.pps...)
	switch t.format.profile {
	case 100, 110, 122, 144:
		x.u8(0xfc|1, 0xf8|uint8(t.format.bitDepthLuma-8), 0xf8|uint8(t.format.bitDepthChroma-8), 0)
	}
	x.end()
}

// description writes stsd with one mp4a entry (14496-14, 5.6; 14496-12, 12.2.3).
func (t *audioTrack) description(x *boxes) {
	x.full("stsd", 0, 0)
	x.u32(1)
	x.begin("mp4a")
	x.zeros(6)
	x.u16(1) // data_reference_index
	x.zeros(8)
	x.u16(uint16(t.channels), 16) // bits, by convention
	x.zeros(4)
	rate := t.timescale
	if rate > 0xffff { // 16.16 cannot hold it; the config does
		rate = 0
	}
	x.u32(rate << 16)
	t.esds(x)
	x.end()
	x.end()
}

// preRoll says that an access unit decodes rightly only after the one before
// it (14496-12, 10.1.1.1: 'roll').
func (t *audioTrack) preRoll(x *boxes) {
	x.full("sgpd", 1, 0)
	x.str("roll")
	x.u32(2, 1)   // bytes per entry, entries
	x.u16(0xffff) // roll_distance -1
	x.end()
	x.full("sbgp", 0, 0)
	x.str("roll")
	x.u32(1, uint32(len(t.sizes)), 1)
	x.end()
}
