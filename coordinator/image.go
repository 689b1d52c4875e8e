package coordinator

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	_ "image/jpeg" // for image.DecodeConfig
	_ "image/png"
	"io"
	"log/slog"

	"github.com/choirless/render/bucket"
	"github.com/choirless/render/definition"
	"github.com/choirless/render/plan"
)

// maxImagePixels bounds the images a definition may name: a node holds one as
// four bytes a pixel.
const maxImagePixels = 1 << 26

// image describes the image of that name in the misc bucket; nil when there is
// none that can be used. what is what the definition calls it.
func (c *Coordinator) image(ctx context.Context, log *slog.Logger, what, name string) (*plan.Image, error) {
	if name == "" {
		return nil, nil
	}
	ref := plan.Ref{Bucket: definition.BucketMisc, Key: name}
	r, _, err := c.cfg.Buckets[ref.Bucket].Get(ctx, ref.Key, bucket.Range{})
	if errors.Is(err, bucket.ErrNotFound) {
		return nil, nil // the plan warns
	} else if err != nil {
		return nil, fmt.Errorf("%s %q: %w", what, name, err)
	}
	defer r.Close()
	hash := sha256.New()
	data := io.TeeReader(r, hash)
	config, _, err := image.DecodeConfig(data)
	if err == nil && config.Width*config.Height > maxImagePixels {
		err = fmt.Errorf("%dx%d pixels, want at most %d in all", config.Width, config.Height, maxImagePixels)
	}
	if err == nil {
		_, err = io.Copy(io.Discard, data) // so that all of it is hashed
	}
	if err != nil {
		log.Warn(what+" ignored", "key", name, "error", err)
		return nil, nil
	}
	return &plan.Image{Ref: ref, SHA256: hex.EncodeToString(hash.Sum(nil)), Width: config.Width, Height: config.Height}, nil
}
