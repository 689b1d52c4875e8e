package stitch

import "encoding/binary"

// boxes writes ISO base media boxes, nested, into memory.
//
// Specification: ISO/IEC 14496-12, 4.2.
type boxes struct {
	b    []byte
	open []int // where the open boxes begin
}

// begin opens a box; name has four characters. Every begin needs an end.
func (x *boxes) begin(name string) {
	x.open = append(x.open, len(x.b))
	x.u32(0) // size, known at the end
	x.str(name)
}

// full opens a box with version and flags.
func (x *boxes) full(name string, version uint8, flags uint32) {
	x.begin(name)
	x.u32(uint32(version)<<24 | flags)
}

// end closes the box opened last.
func (x *boxes) end() {
	at := x.open[len(x.open)-1]
	x.open = x.open[:len(x.open)-1]
	binary.BigEndian.PutUint32(x.b[at:], uint32(len(x.b)-at))
}

func (x *boxes) u8(v ...uint8) { x.b = append(x.b, v...) }

func (x *boxes) u16(v ...uint16) {
	for _, n := range v {
		x.b = binary.BigEndian.AppendUint16(x.b, n)
	}
}

func (x *boxes) u32(v ...uint32) {
	for _, n := range v {
		x.b = binary.BigEndian.AppendUint32(x.b, n)
	}
}

func (x *boxes) u64(v uint64) { x.b = binary.BigEndian.AppendUint64(x.b, v) }

func (x *boxes) str(s string) { x.b = append(x.b, s...) }

func (x *boxes) zeros(n int) { x.b = append(x.b, make([]byte, n)...) }

// matrix is the unity transformation of mvhd and tkhd (14496-12, 8.2.2.3):
// 16.16 fixed point, the last column 2.30.
func (x *boxes) matrix() { x.u32(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000) }
