package engine

// How the fast variant uses the driver it finds.
//
// llvmpipe rasterises where it is called and shares its memory with us: there is
// nothing to overlap, and few tiles at a time keep their data in the cache. A
// GPU works on its own: frames go into a ring, so that it draws one while the
// next is uploaded and the one before is on its way back, and all tiles of a
// frame are drawn at once, as it has more units than a tile can feed.
//
// What a driver lacks is done in another way, to the same pixels: a row of
// texels too long for a buffer texture is wrapped into a 2D texture, passes are
// drawn twice where there are 4 colour targets instead of 8 (GL 4.3 promises 8;
// GLES does not), and shaders without image loads fetch through samplers.

import (
	"fmt"
	"math"
	"strconv"

	"github.com/choirless/render/engine/gl"
	"github.com/choirless/render/shaders"
)

// Tuning is how the fast variant uses OpenGL. The pixels are the same whatever
// it says. A zero field takes what suits the driver.
type Tuning struct {
	// Fetch is how shaders read texels: "image" or "sampler".
	Fetch string `json:"fetch"`
	// Targets is how many colour targets are drawn to at once, 8 or 4.
	Targets int `json:"targets"`
	// BufferTexels is how long a source's buffer texture may be, texels of 16
	// samples; a longer source is wrapped into a 2D texture.
	BufferTexels int `json:"buffer_texels"`
	// Together is how many tiles go through both passes at a time, 1..64.
	Together int `json:"together"`
	// TogetherTexels is how long their sources may be in all, texels of 16 samples;
	// a longer one goes alone.
	TogetherTexels int `json:"together_texels"`
	// InFlight is how many frames may be under way at once, 1..8. 1 draws and
	// reads back in one step; more read back through pixel buffers.
	InFlight int `json:"in_flight"`
}

// cacheTexels is what a core's second-level cache holds where it is small, 1 MB: two
// pictures of 640x480, but not of 1280x720.
const cacheTexels = 1 << 20 / 16

// The most that a Tuning may ask for.
const (
	maxTogether = 64
	maxInFlight = 8
)

// Values of Tuning.Fetch.
const (
	fetchImages   = "image"
	fetchSamplers = "sampler"
)

// resolve fills in what t leaves open and holds the rest against the driver.
func (t Tuning) resolve(l gl.Limits) (Tuning, error) {
	suits := Tuning{Fetch: fetchSamplers, Targets: 8, BufferTexels: l.BufferTexels, Together: 16, TogetherTexels: math.MaxInt, InFlight: 3}
	if l.SoftwareRender {
		suits.Fetch, suits.Together, suits.InFlight = fetchImages, 2, 1
		suits.TogetherTexels = cacheTexels
	}
	if l.ImageUniforms < 2 {
		suits.Fetch = fetchSamplers
	}
	if l.ColorTargets < 8 {
		suits.Targets = 4
	}
	if t.Fetch == "" {
		t.Fetch = suits.Fetch
	}
	if t.Targets == 0 {
		t.Targets = suits.Targets
	}
	if t.BufferTexels == 0 || t.BufferTexels > l.BufferTexels {
		t.BufferTexels = suits.BufferTexels
	}
	if t.Together == 0 {
		t.Together = suits.Together
	}
	if t.TogetherTexels == 0 {
		t.TogetherTexels = suits.TogetherTexels
	}
	if t.InFlight == 0 {
		t.InFlight = suits.InFlight
	}
	switch {
	case t.Fetch != fetchImages && t.Fetch != fetchSamplers:
		return t, fmt.Errorf("tuning: fetch %q, want %q or %q", t.Fetch, fetchImages, fetchSamplers)
	case t.Fetch == fetchImages && l.ImageUniforms < 2:
		return t, fmt.Errorf("tuning: fetch %q: the driver has %d images per shader, want 2", t.Fetch, l.ImageUniforms)
	case t.Targets != 8 && t.Targets != 4:
		return t, fmt.Errorf("tuning: %d colour targets, want 8 or 4", t.Targets)
	case t.Targets > l.ColorTargets:
		return t, fmt.Errorf("tuning: %d colour targets: the driver has %d", t.Targets, l.ColorTargets)
	case t.Together < 1 || t.Together > maxTogether:
		return t, fmt.Errorf("tuning: %d tiles together, want 1 to %d", t.Together, maxTogether)
	case t.InFlight < 1 || t.InFlight > maxInFlight:
		return t, fmt.Errorf("tuning: %d frames in flight, want 1 to %d", t.InFlight, maxInFlight)
	}
	return t, nil
}

// shares is how often a pass is drawn.
func (t Tuning) shares() int { return 8 / t.Targets }

// defines are those of fast.glsl and, for a wrapped source, fast_v.glsl.
func (t Tuning) defines(wrapped bool) []shaders.Define {
	d := []shaders.Define{{Name: "TARGETS", Value: strconv.Itoa(t.Targets)}, {Name: "WRAP_BITS", Value: strconv.Itoa(gl.WrapBits)}}
	if t.Fetch == fetchImages {
		d = append(d, shaders.Define{Name: "IMAGES"})
	}
	if wrapped {
		d = append(d, shaders.Define{Name: "WRAPPED"})
	}
	return d
}

// bindRow makes a row readable by the passes' shaders.
func (t Tuning) bindRow(r *gl.Row, unit int) {
	if t.Fetch == fetchImages {
		r.BindImage(unit)
		return
	}
	r.Bind(unit)
}

// bindLayers does the same for the texture between the passes.
func (t Tuning) bindLayers(x *gl.Texture, unit int) {
	if t.Fetch == fetchImages {
		x.BindImage(unit)
		return
	}
	x.Bind(unit)
}
