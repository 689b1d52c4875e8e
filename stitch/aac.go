package stitch

import "fmt"

// aacConfig is what an AudioSpecificConfig says.
//
// Specification: ISO/IEC 14496-3, 1.6.2.1 and 4.4.1 (GASpecificConfig).
type aacConfig struct {
	rate     int // sample frames per second
	channels int
	perFrame int // sample frames of an access unit: 1024 or 960
}

// aacRates are the sampling frequencies by index (14496-3, table 1.18).
var aacRates = [...]int{96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350}

// aacLowComplexity is audioObjectType AAC LC (14496-3, table 1.17).
const aacLowComplexity = 2

func parseAACConfig(b []byte) (aacConfig, error) {
	r := &bitReader{b: b}
	var c aacConfig
	if kind := r.u(5); kind != aacLowComplexity && !r.over {
		return c, fmt.Errorf("audio config: object type %d, want %d (AAC-LC)", kind, aacLowComplexity)
	}
	if i := r.u(4); i == 15 {
		c.rate = int(r.u(24))
	} else if int(i) < len(aacRates) {
		c.rate = aacRates[i]
	}
	c.channels = int(r.u(4))
	c.perFrame = 1024
	if r.flag() {
		c.perFrame = 960
	}
	if c.channels == 7 { // seven means eight: 7.1
		c.channels = 8
	}
	switch {
	case r.over:
		return c, fmt.Errorf("audio config: %w", errCutShort)
	case c.rate == 0:
		return c, fmt.Errorf("audio config %x: no sampling frequency", b)
	case c.channels == 0 || c.channels > 8:
		return c, fmt.Errorf("audio config %x: no channel configuration 1 to 7", b)
	}
	return c, nil
}
