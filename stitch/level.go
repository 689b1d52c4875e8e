package stitch

import "github.com/choirless/render/media"

// levelLimit is a row of table A-1 of ITU-T H.264: what a level allows.
type levelLimit struct {
	level    uint32 // level_idc
	mbRate   int64  // macroblocks per second, MaxMBPS
	size     int64  // macroblocks per picture, MaxFS
	decoding int64  // macroblocks of all kept pictures, MaxDpbMbs
}

var levels = []levelLimit{
	{10, 1485, 99, 396},
	{11, 3000, 396, 900},
	{12, 6000, 396, 2376},
	{13, 11880, 396, 2376},
	{20, 11880, 396, 2376},
	{21, 19800, 792, 4752},
	{22, 20250, 1620, 8100},
	{30, 40500, 1620, 8100},
	{31, 108000, 3600, 18000},
	{32, 216000, 5120, 20480},
	{40, 245760, 8192, 32768},
	{41, 245760, 8192, 32768},
	{42, 522240, 8704, 34816},
	{50, 589824, 22080, 110400},
	{51, 983040, 36864, 184320},
	{52, 2073600, 36864, 184320},
	{60, 4177920, 139264, 696320},
	{61, 8355840, 139264, 696320},
	{62, 16711680, 139264, 696320},
}

// levelFor returns the level of a joined picture: that of the stripes, raised
// where the whole picture needs more. The limits on bit rate are left to the
// encoder, which was told the level of the whole (A.3.1, table A-1).
func levelFor(level, widthMBs, rows, kept uint32, rate media.FrameRate) uint32 {
	size := int64(widthMBs) * int64(rows)
	perSecond := int64(0)
	if rate.Den > 0 {
		perSecond = (size*rate.Num + rate.Den - 1) / rate.Den
	}
	for _, l := range levels {
		side := int64(max(widthMBs, rows))
		if size <= l.size && side*side <= 8*l.size && perSecond <= l.mbRate && size*int64(kept) <= l.decoding {
			return max(level, l.level)
		}
	}
	return max(level, levels[len(levels)-1].level)
}
