package plan

import (
	"cmp"
	"fmt"
	"image"
	"math"
	"slices"

	"github.com/choirless/render/definition"
	"github.com/choirless/render/media"
)

// FromSong makes the automatic definition of a song: a tile for every part that has a
// picture and is not hidden, pan from its place, offsets as measured, everything else
// from the part's document. All output options are written down. Parts without facts
// are left out, with a warning that names them. Inputs are in the order of part ids.
func FromSong(song definition.Song, parts []SongPart, o AutoOptions) (*definition.Definition, []PartWarning, error) {
	d := &definition.Definition{
		Version: definition.Version, ChoirID: song.Choir, SongID: song.Song,
		Output: o.Output.Or(definition.Defaults()),
	}
	parts = slices.Clone(parts)
	slices.SortFunc(parts, func(a, b SongPart) int { return cmp.Compare(a.Doc.PartID, b.Doc.PartID) })
	var warnings []PartWarning
	var sizes []TileSize
	for _, p := range parts {
		if p.Facts == nil || p.Rejected != "" {
			warnings = append(warnings, PartWarning{p.Doc.PartID, "dropped: " + cmp.Or(p.Rejected, "it was not read")})
			continue
		}
		d.Inputs = append(d.Inputs, input(p))
		if v := p.Facts.Video; v != nil && !p.Doc.Hidden && !p.Doc.Audio {
			rot := (v.Rotation + media.Rotation(p.Doc.Rotate.Or(0))) % 360
			w, h := media.Crop(p.Doc.Crop.Or(definition.Crop{})).Size(media.DisplaySize(v.Width, v.Height, v.SAR, rot))
			sizes = append(sizes, TileSize{Part: p.Doc.PartID, Width: w, Height: h, Order: p.Doc.Order.Or(0)})
		}
	}
	if len(d.Inputs) == 0 {
		return nil, warnings, &NoPartsError{Warnings: warnings}
	}
	if len(sizes) > 0 {
		if err := layOut(d, sizes, o); err != nil {
			return nil, warnings, err
		}
	}
	setPans(d, parts)
	if err := d.Validate(); err != nil {
		return nil, warnings, fmt.Errorf("automatic definition of song %q: %w", song.Song, err)
	}
	return d, warnings, nil
}

func input(p SongPart) definition.Input {
	doc := p.Doc
	in := definition.Input{
		PartID: doc.PartID, PartType: doc.PartType, Name: doc.DisplayName(),
		Volume: definition.Some(doc.Volume.Or(1)),
		Offset: definition.Some(roundTo(p.Offset.MS(), 1e-3)),
		Reverb: doc.Reverb, Cleanup: slices.Clone(doc.Cleanup),
		Crop: doc.Crop, Fit: doc.Fit, Caption: doc.Caption,
	}
	if p.DriftPPM != 0 {
		in.DriftPPM = definition.Some(roundTo(p.DriftPPM, 1e-3))
	}
	if r := doc.Rotate.Or(0); r != 0 {
		in.Rotate = definition.Some(r)
	}
	return in
}

func layOut(d *definition.Definition, sizes []TileSize, o AutoOptions) error {
	canvas := d.Output.Size.Or(definition.Pair{})
	lo := LayoutOptions{
		Width: canvas[0], Height: canvas[1],
		Mode:     LayoutMode(o.Layout.Mode.Or(string(LayoutRows))),
		Margin:   o.Layout.Margin.Or(-1),
		TopLeft:  !o.Layout.Center.Or(true),
		Previous: earlierTiles(o.Previous, canvas),
	}
	l, err := NewLayout(sizes, lo)
	if err != nil {
		return err
	}
	for i, r := range l.Tiles {
		in := d.Input(sizes[i].Part)
		in.Size = definition.Some(definition.Pair{r.Dx(), r.Dy()})
		in.Position = definition.Some(definition.Pair{r.Min.X, r.Min.Y})
	}
	return nil
}

// earlierTiles reads the tiles of the definition before, if it had the same canvas.
func earlierTiles(prev *definition.Definition, canvas definition.Pair) map[definition.PartID]image.Rectangle {
	if prev == nil || prev.Output.Or(definition.Defaults()).Size.Or(definition.Pair{}) != canvas {
		return nil
	}
	tiles := map[definition.PartID]image.Rectangle{}
	for i := range prev.Inputs {
		in := &prev.Inputs[i]
		if in.Shown() {
			pos, size := in.Position.Or(definition.Pair{}), in.Size.Or(definition.Pair{})
			tiles[in.PartID] = image.Rect(pos[0], pos[1], pos[0]+size[0], pos[1]+size[1])
		}
	}
	return tiles
}

// setPans gives every voice the place of its tile, -1 at the left edge of the canvas
// and +1 at the right, unless its document says where.
func setPans(d *definition.Definition, parts []SongPart) {
	width := float64(d.Output.Size.Or(definition.Pair{})[0])
	for _, p := range parts {
		in := d.Input(p.Doc.PartID)
		if in == nil {
			continue
		}
		pan := p.Doc.Pan
		if pan.IsZero() {
			v := 0.0
			if in.Shown() {
				v = 2*(float64(in.Position.Or(definition.Pair{})[0])+float64(in.Size.Or(definition.Pair{})[0])/2)/width - 1
			}
			pan = definition.Some(roundTo(v, 1e-4))
		}
		in.Pan = pan
	}
}

// roundTo rounds to a multiple of step, without negative zero.
func roundTo(v, step float64) float64 { return math.Round(v/step)/math.Round(1/step) + 0 }
