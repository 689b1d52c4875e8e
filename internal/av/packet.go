package av

//#include "av.h"
import "C"

import (
	"github.com/asticode/go-astiav"

	"github.com/choirless/render/media"
)

// Packet is one coded picture or run of sound. Its zero value is unusable.
type Packet struct {
	p     *astiav.Packet
	guard guard
}

// NewPacket returns an empty packet.
func NewPacket() *Packet {
	p := &Packet{p: astiav.AllocPacket()}
	p.guard = newGuard(p, "packet")
	return p
}

// Close frees it.
func (p *Packet) Close() error {
	if p == nil || !p.guard.close() {
		return nil
	}
	p.p.Free()
	return nil
}

// Stream is the index of the stream it belongs to.
func (p *Packet) Stream() int { return int(cPacket(p.p).stream_index) }

// PTS and DTS are in the time base of the stream, NoPTS when unknown.
func (p *Packet) PTS() media.PTS { return pts(cPacket(p.p).pts) }

// DTS is the decoding time.
func (p *Packet) DTS() media.PTS { return pts(cPacket(p.p).dts) }

// Duration is in the time base of the stream, 0 when unknown.
func (p *Packet) Duration() int64 { return int64(cPacket(p.p).duration) }

// Size is in bytes.
func (p *Packet) Size() int { return int(cPacket(p.p).size) }

// Key says that decoding can start here.
func (p *Packet) Key() bool { return cPacket(p.p).flags&C.AV_PKT_FLAG_KEY != 0 }

// Discard says that an edit list leaves it out: it is decoded for others' sake
// but never shown.
func (p *Packet) Discard() bool { return cPacket(p.p).flags&C.AV_PKT_FLAG_DISCARD != 0 }

// Corrupt says that the container found it damaged.
func (p *Packet) Corrupt() bool { return cPacket(p.p).flags&C.AV_PKT_FLAG_CORRUPT != 0 }

// NewConfig says that the stream's parameters change with this packet.
func (p *Packet) NewConfig() bool {
	return C.av_packet_get_side_data(cPacket(p.p), C.AV_PKT_DATA_NEW_EXTRADATA, nil) != nil
}

// Data returns the payload, valid until the packet is read into or closed.
func (p *Packet) Data() []byte { return p.p.Data() }

// SetTimes replaces both timestamps and the duration.
func (p *Packet) SetTimes(pts, dts media.PTS, duration int64) {
	c := cPacket(p.p)
	c.pts, c.dts, c.duration = C.int64_t(pts), C.int64_t(dts), C.int64_t(duration)
}

// Ref makes p another holder of src's payload.
func (p *Packet) Ref(src *Packet) error {
	p.p.Unref()
	return fail("hold packet", p.p.Ref(src.p), nil)
}
