package stitch

import "math"

// The box tree of a track; names as in ISO/IEC 14496-12, 6.2.3:
//
//	trak
//	├── tkhd                    8.3.2
//	├── edts / elst             8.6.6   B-picture delay, AAC priming
//	└── mdia
//	    ├── mdhd                8.4.2
//	    ├── hdlr                8.4.3
//	    └── minf
//	        ├── vmhd | smhd     12.1.2, 12.2.2
//	        ├── dinf / dref     8.7.1
//	        └── stbl
//	            ├── stsd        8.5.2   avc1 + avcC + colr | mp4a + esds
//	            ├── stts ctts   8.6.1
//	            ├── stss        8.6.2
//	            ├── stsc stsz   8.7.4, 8.7.3
//	            ├── stco | co64 8.7.5
//	            └── sgpd sbgp   10.1    AAC pre-roll

// languageUndetermined is "und", three letters of five bits (8.4.2.3).
const languageUndetermined = 0x55c4

// head writes tkhd, edts and the beginning of mdia up to minf's media header.
func (t *track) head(x *boxes, movieScale uint32, volume uint16, width, height uint32) {
	length := rescale(t.length, t.timescale, movieScale)
	x.full("tkhd", 0, 3) // enabled, in the movie
	x.u32(0, 0, t.id, 0, uint32(length))
	x.zeros(8)
	x.u16(0, 0, volume, 0) // layer, alternate group
	x.matrix()
	x.u32(width<<16, height<<16)
	x.end()
	if len(t.sizes) > 0 || t.skip > 0 { // of a growing movie no length is known: 0
		x.begin("edts")
		x.full("elst", 0, 0)
		x.u32(1, uint32(length), uint32(t.skip), 0x10000) // rate 1
		x.end()
		x.end()
	}
}

func (t *track) mediaHeader(x *boxes, handler, name string) {
	x.full("mdhd", 0, 0)
	x.u32(0, 0, t.timescale, uint32(t.durations.total()))
	x.u16(languageUndetermined, 0)
	x.end()
	x.full("hdlr", 0, 0)
	x.u32(0)
	x.str(handler)
	x.zeros(12)
	x.str(name + "\x00")
	x.end()
}

// dataReference says that the media data is in the same file.
func dataReference(x *boxes) {
	x.begin("dinf")
	x.full("dref", 0, 0)
	x.u32(1)
	x.full("url ", 0, 1)
	x.end()
	x.end()
	x.end()
}

// timeToSample writes stts.
func (t *track) timeToSample(x *boxes) {
	x.full("stts", 0, 0)
	x.u32(uint32(len(t.durations)))
	for _, r := range t.durations {
		x.u32(r.count, uint32(r.value))
	}
	x.end()
}

// places writes stsc, stsz and stco or co64.
func (t *track) places(x *boxes) {
	x.full("stsc", 0, 0)
	at := len(x.b)
	x.u32(0)
	n, before := uint32(0), uint32(0)
	for i, c := range t.chunks {
		if c.samples != before {
			x.u32(uint32(i+1), c.samples, 1)
			n++
			before = c.samples
		}
	}
	putU32(x.b[at:], n)
	x.end()

	x.full("stsz", 0, 0)
	x.u32(0, uint32(len(t.sizes)))
	x.u32(t.sizes...)
	x.end()

	if n := len(t.chunks); n > 0 && t.chunks[n-1].offset > math.MaxUint32 {
		x.full("co64", 0, 0)
		x.u32(uint32(n))
		for _, c := range t.chunks {
			x.u64(uint64(c.offset))
		}
		x.end()
		return
	}
	x.full("stco", 0, 0)
	x.u32(uint32(len(t.chunks)))
	for _, c := range t.chunks {
		x.u32(uint32(c.offset))
	}
	x.end()
}

// box writes the trak box of a finished track.
func (t *videoTrack) box(x *boxes, movieScale uint32) {
	w, h := uint32(t.format.width()), uint32(t.format.height())
	x.begin("trak")
	t.head(x, movieScale, 0, uint32(float64(w)*t.format.vui.sar.Float()+0.5), h)
	x.begin("mdia")
	t.mediaHeader(x, "vide", "VideoHandler")
	x.begin("minf")
	x.full("vmhd", 0, 1)
	x.zeros(8)
	x.end()
	dataReference(x)
	x.begin("stbl")
	t.description(x)
	t.timeToSample(x)
	if len(t.shift) > 1 {
		x.full("ctts", 0, 0)
		x.u32(uint32(len(t.shift)))
		for _, r := range t.shift {
			x.u32(r.count, uint32((r.value+t.delay)*t.perFrame))
		}
		x.end()
	}
	if len(t.sync) < len(t.sizes) { // without stss every picture is one
		x.full("stss", 0, 0)
		x.u32(uint32(len(t.sync)))
		x.u32(t.sync...)
		x.end()
	}
	t.places(x)
	x.end()
	x.end()
	x.end()
	x.end()
}

// box writes the trak box of a finished track.
func (t *audioTrack) box(x *boxes, movieScale uint32) {
	x.begin("trak")
	t.head(x, movieScale, 0x100, 0, 0)
	x.begin("mdia")
	t.mediaHeader(x, "soun", "SoundHandler")
	x.begin("minf")
	x.full("smhd", 0, 0)
	x.zeros(4)
	x.end()
	dataReference(x)
	x.begin("stbl")
	t.description(x)
	t.timeToSample(x)
	t.places(x)
	if len(t.sizes) > 0 {
		t.preRoll(x)
	}
	x.end()
	x.end()
	x.end()
	x.end()
}
