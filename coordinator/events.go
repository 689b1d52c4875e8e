package coordinator

import (
	"context"
	"errors"
	"fmt"

	"github.com/choirless/render/bucket"
	"github.com/choirless/render/definition"
)

// event deals with a notification. It is only a hint: what counts is the object
// as it is now. Nil is done with; an error is for later.
func (c *Coordinator) event(ctx context.Context, body []byte) error {
	events, err := bucket.ParseEvents(body)
	if err != nil {
		c.metrics.events.WithLabelValues("unreadable").Inc()
		c.log.Warn("notification dropped", "error", err) // it will not get better
	}
	for _, e := range events {
		role, known := c.roles[e.Bucket]
		switch {
		case !e.Created():
			c.metrics.events.WithLabelValues("ignored").Inc()
			continue
		case !known:
			c.metrics.events.WithLabelValues("ignored").Inc()
			c.log.Info("notification of an unknown bucket ignored", "bucket", e.Bucket, "key", e.Key)
			continue
		}
		if err := c.Announce(ctx, role, e.Key); err != nil {
			return err
		}
		c.metrics.events.WithLabelValues("taken").Inc()
	}
	return nil
}

// Announce says that there is an object in the bucket of the given role, as a
// notification does. Objects that mean nothing to the pipeline are ignored with a
// line in the log. The error is one of the bucket or the store: try again.
func (c *Coordinator) Announce(ctx context.Context, role, key string) error {
	var handle func(context.Context, bucket.Info) error
	switch role {
	case definition.BucketRaw:
		handle = c.uploaded
	case definition.BucketDefinition:
		handle = c.defined
	default:
		return nil
	}
	info, err := c.cfg.Buckets[role].Stat(ctx, key)
	if errors.Is(err, bucket.ErrNotFound) {
		c.log.Info("object is gone, ignored", "bucket", role, "key", key)
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s/%s: %w", role, key, err)
	}
	return handle(ctx, info)
}
