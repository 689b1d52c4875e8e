package node

import (
	"context"
	"image"
	"slices"
	"sync"
	"time"

	"github.com/choirless/render/bucket"
	"github.com/choirless/render/plan"
)

// Every cell of a song shows the same background image and watermark. A noisy PNG
// of 1920x1080 takes 0.36 s to decode, so that a node keeps the few images
// it has read last until no cell has wanted them for a while.

const (
	// keptImages is how many decoded images a node keeps: two songs' worth.
	keptImages = 4
	// imagesFor is how long an image is kept that nobody wants.
	imagesFor = time.Minute
)

// images are decoded images by content. The zero value is ready for use. Safe for
// concurrent use; two cells that begin at once may both read an image.
type images struct {
	mu   sync.Mutex
	kept []keptImage // the one used last at the end
}

type keptImage struct {
	sha256 string
	image  image.Image
	used   time.Time
}

// read returns an overlay's image. One without a hash is read every time.
func (s *images) read(ctx context.Context, b bucket.Buckets, o plan.Overlay) (image.Image, error) {
	if img := s.take(o.SHA256); img != nil {
		return img, nil
	}
	img, err := readImage(ctx, b, o.Image)
	if err == nil && o.SHA256 != "" {
		s.keep(keptImage{o.SHA256, img, time.Now()})
	}
	return img, err
}

// take returns a kept image, nil where there is none.
func (s *images) take(sha256 string) image.Image {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.kept, func(k keptImage) bool { return sha256 != "" && k.sha256 == sha256 })
	if i < 0 {
		return nil
	}
	k := s.kept[i]
	k.used = time.Now()
	s.kept = append(slices.Delete(s.kept, i, i+1), k)
	return k.image
}

func (s *images) keep(k keptImage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept = slices.DeleteFunc(s.kept, func(old keptImage) bool { return old.sha256 == k.sha256 })
	s.kept = append(s.kept, k)
	if over := len(s.kept) - keptImages; over > 0 {
		s.kept = slices.Delete(s.kept, 0, over)
	}
}

// clear forgets the images that nobody has used since a time.
func (s *images) clear(since time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept = slices.DeleteFunc(s.kept, func(k keptImage) bool { return k.used.Before(since) })
}

// sweep forgets images nobody wants, until ctx ends.
func (s *images) sweep(ctx context.Context) error {
	for sleep(ctx, imagesFor/4) == nil {
		s.clear(time.Now().Add(-imagesFor))
	}
	return nil
}
