package node

import (
	"context"
	"fmt"
	"image"

	"github.com/choirless/render/bucket"
	"github.com/choirless/render/engine"
	"github.com/choirless/render/plan"
)

// Scene translates an assignment's geometry for the engine.
func Scene(ctx context.Context, b bucket.Buckets, p *plan.Picture) (engine.Scene, error) {
	return scene(p, func(o plan.Overlay) (image.Image, error) { return readImage(ctx, b, o.Image) })
}

// scene is Scene with images from wherever they are.
func scene(p *plan.Picture, read func(plan.Overlay) (image.Image, error)) (engine.Scene, error) {
	s := engine.Scene{Width: p.Width, Height: p.Height, Background: p.Background, Look: p.Look}
	for _, t := range p.Tiles {
		fit := engine.Contain
		if t.Fit == plan.Cover {
			fit = engine.Cover
		}
		tile := engine.Tile{
			Rect: image.Rect(t.X, t.Y, t.X+t.W, t.Y+t.H), Fit: fit, Aspect: t.Aspect, Crop: t.Crop,
			Radius: t.Radius, Border: t.Border, BorderRGB: t.BorderRGB, Placeholder: t.Name,
		}
		if t.Caption {
			tile.Caption = t.Name
		}
		s.Tiles = append(s.Tiles, tile)
	}
	if o := p.Backdrop; o != nil {
		img, err := read(*o)
		if err != nil {
			return s, fmt.Errorf("background image %q: %w", o.Image.Key, err)
		}
		s.Backdrop, s.BackdropRect = img, image.Rect(o.X, o.Y, o.X+o.W, o.Y+o.H)
	}
	for _, o := range p.Overlays {
		img, err := read(o)
		if err != nil {
			return s, fmt.Errorf("overlay %q: %w", o.Image.Key, err)
		}
		s.Overlays = append(s.Overlays, engine.Overlay{Image: img, Rect: image.Rect(o.X, o.Y, o.X+o.W, o.Y+o.H), Opacity: o.Opacity})
	}
	return s, nil
}
