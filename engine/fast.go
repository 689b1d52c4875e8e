package engine

// The fast variant: the same resize as plain.go in two passes whose fetches are
// 128 bits wide, built for llvmpipe, where fetches are what costs.
//
//	source, buffer texture   mid, 8 layers                result, 8 targets
//	16 samples of a row  ->  2 columns x 4 rows, 16 bit -> 8 samples of a row
//
// Vertical first: its fragment reads 16 columns of a few rows and writes 4 rows
// of them, two columns to each of 8 targets. So the horizontal pass, which needs
// neighbours in a row, finds them in different layers at one place, and 4 rows
// at once. It writes 8 columns by 8 rows, a row to each of 8 targets; read back
// with a row length of 8 rows they interleave to ordinary planes.
//
// Every tile has a cell of its own in the result, whole texels wide and high,
// so that nothing has to be masked, whatever the tile's position and size.
//
// On llvmpipe a few tiles are uploaded and drawn through both passes before the
// next few come, so that their data stays in the cache; tuning.go says what a
// GPU does instead, and what is done where a driver lacks something.
//
// Colour is converted while uploading (engine/gl/convert.c): the scaler sees
// upright 8-bit planes in canvas colour. Wide colour (HLG, PQ, BT.2020) is
// resized in its own codes and converted afterwards (engine/gl/light.c).
//
// Tried and slower on llvmpipe, figures in bench/RESULTS.md: texelFetch instead
// of image loads, weights in a 2D texture, plain floats in the vertical pass.
// Packed sums in both passes, as in the prototype, need 8-bit values between
// them, which is 1 to 2 dB worse.

import (
	"fmt"
	"image"
	"runtime"
	"sync"

	"github.com/choirless/render/engine/gl"
	"github.com/choirless/render/media"
)

const (
	// guard is texels left and right of a plane in mid: fetched, with weight 0.
	guard = 4
	// block is what llvmpipe shades at once, in each direction; cells are
	// aligned to it, as a block cut by an edge costs as much as a whole one.
	block = 4
)

// fast draws tiles with the fast variant. GL thread.
type fast struct {
	limits   gl.Limits
	tuning   Tuning
	programs *programs
	look     *look
	ledger   *ledger
	tables   map[tableKey]*gl.Row
	tiles    map[int]*fastTile
	cells    []image.Rectangle // by tile, in the result's texels; empty: none
	mid      *gl.Texture
	midFB    []*gl.Framebuffer // by share
	slot     int               // rows of mid per tile
	together int               // slots of mid
	result   [hRows]*gl.Texture
	resultFB []*gl.Framebuffer // by share
	memory   []byte            // what was read back: the tiles' pictures lie here
	stride   int               // of memory, bytes
	drawn    int               // frames drawn
	spare    []*gl.Row         // sources that no tile has now
	ring     ring
	lights   map[media.Color]*gl.Light
}

type tableKey struct {
	axis    axis
	results int
}

// fastTile is how a tile is drawn, as long as its shape and place are the same.
type fastTile struct {
	shape      shape
	at         placement
	normalizer *normalizer
	light      *gl.Light    // for wide colour; the result holds the source's codes then
	texels     int          // of a source
	sources    []*gl.Row    // of the frames in flight, in turn
	planes     [2]fastPlane // luma; both chroma planes
	video      *picture     // the tile's pixels: the result, or what light made of it
}

// fastPlane is luma, or both chroma planes, which lie side by side.
type fastPlane struct {
	first, texels int           // in the buffer: first texel of row 0, texels per row of one plane
	rowsIn        int           // rows of the source
	above, below  int           // rows repeated before the first and after the last
	copies        int           // planes side by side
	vGroups       int           // row groups of the vertical pass
	hGroups, rows int           // column groups of one plane, row groups of the horizontal pass
	v, h          []*gl.Program // by share
	vTable        *gl.Row
	hTable        *gl.Row
	midY          int         // in the slot
	cell          image.Point // of the first plane; the second is apart to the right
	apart         int
}

// newFast returns what has no storage yet; begin makes it.
func newFast(limits gl.Limits, programs *programs, l *look) *fast {
	return &fast{limits: limits, tuning: programs.tuning, programs: programs, look: l, tables: map[tableKey]*gl.Row{}, tiles: map[int]*fastTile{}, lights: map[media.Color]*gl.Light{}}
}

// shelve gives every tile its cell, on shelves about as wide as the canvas, and
// returns the texels of them all.
func (f *fast) shelve(size image.Rectangle, tiles []tileState) (width, height int) {
	width = alignUp(size.Dx()*9/8/hCols, block)
	for _, t := range tiles {
		width = max(width, cellSize(t.Rect.Size()).X)
	}
	var at image.Point
	f.cells = nil
	for _, t := range tiles {
		s := cellSize(t.Rect.Size())
		if at.X+s.X > width {
			at = image.Pt(0, height)
		}
		cell := image.Rectangle{at, at.Add(s)}
		if cell.Max.Y > f.limits.TextureSize || cell.Max.X > f.limits.TextureSize {
			f.cells = append(f.cells, image.Rectangle{})
			continue
		}
		f.cells = append(f.cells, cell)
		at.X += s.X
		height = max(height, cell.Max.Y)
	}
	return width, height
}

// makeResult makes the result's textures, and the memory it comes back to.
func (f *fast) makeResult(width, height int) (err error) {
	for i := range f.result {
		if f.result[i], err = gl.NewTexture(gl.RG32UI, width, height, 0); err != nil {
			return fmt.Errorf("result: %w", err)
		}
	}
	for i := range f.tuning.shares() {
		fb, err := gl.NewFramebuffer(f.result[i*f.tuning.Targets:][:f.tuning.Targets]...)
		if err != nil {
			return fmt.Errorf("result: %w", err)
		}
		f.resultFB = append(f.resultFB, fb)
	}
	f.stride = width * hCols
	size := f.stride * height * hRows
	if f.tuning.InFlight > 1 {
		return f.ring.open(f.tuning.InFlight, size)
	}
	f.memory = make([]byte, size)
	return nil
}

func (f *fast) releaseResult() {
	for _, fb := range f.resultFB {
		fb.Release()
	}
	for i, t := range f.result {
		t.Release()
		f.result[i] = nil
	}
	f.ring.release()
	f.resultFB, f.memory = nil, nil
}

func (f *fast) release() {
	if f == nil {
		return
	}
	for _, t := range f.tables {
		t.Release()
	}
	for i := range f.tiles {
		f.drop(i)
	}
	f.releaseSpare(0)
	f.releaseMid()
	f.releaseResult()
}

// draw draws jobs whose tiles are prepared.
func (f *fast) draw(jobs []job) error {
	turn := f.drawn % f.tuning.InFlight
	f.drawn++
	for len(jobs) > 0 {
		n := f.share(jobs)
		if err := f.upload(jobs[:n], turn); err != nil {
			return err
		}
		f.ledger.watch.Time("vertical", func() {
			for share, fb := range f.midFB {
				fb.Bind()
				for slot, j := range jobs[:n] {
					f.vertical(f.tiles[j.tile], slot, turn, share)
				}
			}
		})
		gl.Barrier()
		f.ledger.watch.Time("horizontal", func() {
			for share, fb := range f.resultFB {
				fb.Bind()
				for slot, j := range jobs[:n] {
					f.horizontal(f.tiles[j.tile], slot, share)
				}
			}
		})
		for _, j := range jobs[:n] {
			f.ledger.work.Uploaded += int64(f.tiles[j.tile].texels) * 16
		}
		if jobs = jobs[n:]; len(jobs) > 0 {
			gl.Barrier() // the next ones overwrite mid
		}
	}
	return gl.Check("fast draw")
}

// share returns how many of the jobs, at least one, go through both passes next.
func (f *fast) share(jobs []job) (n int) {
	texels := 0
	for _, j := range jobs[:min(f.together, len(jobs))] {
		if texels += f.tiles[j.tile].texels; n > 0 && texels > f.tuning.TogetherTexels {
			break
		}
		n++
	}
	return n
}

func (f *fast) vertical(t *fastTile, slot, turn, share int) {
	f.tuning.bindRow(t.sources[turn], 0)
	for _, p := range t.planes {
		if p.copies == 0 {
			continue
		}
		v := p.v[share]
		v.Use()
		f.tuning.bindRow(p.vTable, 1)
		x, y := guard, slot*f.slot+p.midY
		width := p.texels * p.copies
		v.Uniform("plane").Ints(int32(p.first), int32(width))
		v.Uniform("origin").Ints(int32(x), int32(y))
		gl.Draw(x, y, width, p.vGroups)
	}
}

func (f *fast) horizontal(t *fastTile, slot, share int) {
	f.tuning.bindLayers(f.mid, 0)
	for k, p := range t.planes {
		for i := range p.copies {
			h := p.h[share]
			if i == 0 {
				h.Use()
				f.look.set(h, k)
				f.tuning.bindRow(p.hTable, 1)
			}
			x, y := p.cell.X+i*p.apart, p.cell.Y
			h.Uniform("from").Ints(int32(guard+i*p.texels), int32(slot*f.slot+p.midY))
			h.Uniform("origin").Ints(int32(x), int32(y))
			gl.Draw(x, y, p.hGroups, p.rows)
		}
	}
}

// read brings back the cells of the jobs, a band of shelves at a time.
func (f *fast) read(jobs []job) error {
	rows := make([]bool, f.result[0].Height)
	for _, j := range jobs {
		c := f.cells[j.tile]
		for y := c.Min.Y; y < c.Max.Y; y++ {
			rows[y] = true
		}
	}
	width := f.result[0].Width
	for y := 0; y < len(rows); y++ {
		end := y
		for end < len(rows) && rows[end] {
			end++
		}
		for r := range hRows {
			fb, n := f.target(r)
			if err := fb.Read(n, 0, y, width, end-y, f.memory[(y*hRows+r)*f.stride:], hRows*f.stride); err != nil {
				return err
			}
		}
		f.ledger.work.ReadBack += int64(f.stride * hRows * (end - y))
		y = end
	}
	return gl.Check("fast read")
}

// target returns where row r of each block of rows is drawn.
func (f *fast) target(r int) (*gl.Framebuffer, int) {
	return f.resultFB[r/f.tuning.Targets], r % f.tuning.Targets
}

// finish makes the tiles' pictures of what has been read back. Any goroutine.
func (f *fast) finish(jobs []job) {
	for _, j := range jobs {
		if t := f.tiles[j.tile]; t.light != nil {
			c := chromaRect(t.at.shown).Min
			odd := image.Pt(2*c.X, 2*c.Y).Sub(t.at.shown.Min)
			t.light.Convert(t.video.samples(), f.picture(t).samples(), odd.X, odd.Y)
		}
	}
}

// lightOf finds or makes the conversion of a resolved wide colour.
func (f *fast) lightOf(c media.Color) *gl.Light {
	l := f.lights[c]
	if l == nil {
		made := gl.NewLight(lightSpec(transformOf(c, 8)))
		l = &made
		f.lights[c] = l
	}
	return l
}

// samples returns the planes as package gl takes them.
func (p *picture) samples() (s [3]gl.Samples) {
	for i, q := range p.planes {
		s[i] = gl.Samples{Data: q.Data, Stride: q.Stride, Width: q.Width, Height: q.Height}
	}
	return s
}

// picture returns the tile's part of what was read back.
func (f *fast) picture(t *fastTile) *picture {
	p := &picture{}
	f.point(p, t)
	return p
}

// point makes p the tile's part of what was read back.
func (f *fast) point(p *picture, t *fastTile) {
	p.rect = t.at.shown
	for i := range p.planes {
		r := planeRect(t.at.shown, i)
		if t.planes[min(i, 1)].copies == 0 && p.planes[i].Data != nil {
			continue // nothing to read
		}
		p.planes[i] = media.Plane{Stride: f.stride, Width: r.Dx(), Height: r.Dy()}
		if r.Empty() {
			continue
		}
		q := t.planes[min(i, 1)]
		if q.copies == 0 { // no colour
			p.planes[i] = constantPlane(r.Dx(), r.Dy(), 128)
			continue
		}
		at := q.cell
		if i == 2 {
			at.X += q.apart
		}
		if f.memory != nil { // there is none before the ring's first frame
			p.planes[i].Data = f.memory[at.Y*hRows*f.stride+at.X*hCols:]
		}
	}
}

func constantPlane(w, h int, v byte) media.Plane {
	p := media.Plane{Data: make([]byte, w*h), Stride: w, Width: w, Height: h}
	for i := range p.Data {
		p.Data[i] = v
	}
	return p
}

// upload brings the jobs' frames to the GPU, each into the source whose turn it
// is. A GPU waits for nothing but its data, so there the copying is shared among
// threads; on llvmpipe the other cores are better used for other cells.
func (f *fast) upload(jobs []job, turn int) error {
	mems := make([][]byte, len(jobs))
	for i, j := range jobs {
		var err error
		if mems[i], err = f.tiles[j.tile].sources[turn].Map(); err != nil {
			return fmt.Errorf("tile %d: %w", j.tile, err)
		}
	}
	if f.tuning.InFlight == 1 || len(jobs) == 1 {
		for i, j := range jobs {
			f.tiles[j.tile].fill(mems[i], j.frame)
		}
	} else {
		var wg sync.WaitGroup
		next := make(chan int, len(jobs))
		for i := range jobs {
			next <- i
		}
		close(next)
		for range min(uploaders, runtime.GOMAXPROCS(0), len(jobs)) {
			wg.Go(func() {
				for i := range next {
					f.tiles[jobs[i].tile].fill(mems[i], jobs[i].frame)
				}
			})
		}
		wg.Wait()
	}
	for _, j := range jobs {
		if err := f.tiles[j.tile].sources[turn].Unmap(); err != nil {
			return fmt.Errorf("tile %d: %w", j.tile, err)
		}
	}
	return nil
}

// uploaders is how many threads copy: about as many as saturate a memory bus.
const uploaders = 4

// fill converts a frame into a source's memory.
func (t *fastTile) fill(mem []byte, frame *media.Frame) {
	var dst [3]gl.Samples
	for i := range dst {
		q := t.planes[min(i, 1)]
		if q.copies == 0 {
			continue
		}
		w, h := t.normalizer.size(i)
		dst[i] = gl.Samples{Data: mem[(q.first+max(i-1, 0)*q.texels)*16:], Stride: q.texels * q.copies * 16, Width: w, Height: h}
	}
	t.normalizer.run(dst, frame)
	for _, q := range t.planes {
		if q.copies > 0 {
			q.repeat(mem)
		}
	}
}

// repeat repeats the first and the last row of a source as often as the vertical
// pass looks beyond them.
func (p *fastPlane) repeat(mem []byte) {
	row := p.texels * p.copies * 16
	first, last := p.first*16, p.first*16+(p.rowsIn-1)*row
	for i := range p.above {
		copy(mem[first-(i+1)*row:][:row], mem[first:][:row])
	}
	for i := range p.below {
		copy(mem[last+(i+1)*row:][:row], mem[last:][:row])
	}
}
