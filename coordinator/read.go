package coordinator

import (
	"context"
	"fmt"
	"io"

	"github.com/choirless/render/bucket"
)

// read returns a small object.
func (c *Coordinator) read(ctx context.Context, role, key string) ([]byte, bucket.Info, error) {
	r, info, err := c.cfg.Buckets[role].Get(ctx, key, bucket.Range{})
	if err != nil {
		return nil, info, fmt.Errorf("%s/%s: %w", role, key, err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		return nil, info, fmt.Errorf("%s/%s: %w", role, key, err)
	}
	return b, info, nil
}
