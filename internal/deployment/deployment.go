// Package deployment holds the settings that the coordinator and the render nodes
// of one deployment share: how to reach the object store and the queues, and
// what they are called there.
package deployment

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/spf13/pflag"

	"github.com/choirless/render/bucket"
	"github.com/choirless/render/definition"
	"github.com/choirless/render/queue"
)

// Config is where the objects and the queues are. The zero value of the access
// settings is Amazon's, with the region and credentials its SDK finds.
type Config struct {
	Region      string
	S3Endpoint  string
	SQSEndpoint string
	AccessKey   string
	SecretKey   string
	// BucketPrefix is put before a bucket's role to make its name, unless
	// BucketNames says otherwise.
	BucketPrefix string
	BucketNames  map[string]string // role → name
	// Assignments and Reports are the queues between coordinator and nodes.
	Assignments, Reports string
	// Poll is how long one request to a queue waits for a first message.
	Poll time.Duration
}

// Flags adds the settings to a flag set.
func (c *Config) Flags(fs *pflag.FlagSet) {
	fs.StringVar(&c.Region, "region", "", "AWS region; by default what the SDK finds")
	fs.StringVar(&c.S3Endpoint, "s3-endpoint", "", "address of an S3 server other than Amazon's")
	fs.StringVar(&c.SQSEndpoint, "sqs-endpoint", "", "address of an SQS server other than Amazon's")
	fs.StringVar(&c.AccessKey, "access-key", "", "access key id; by default what the SDK finds (instance role)")
	fs.StringVar(&c.SecretKey, "secret-key", "", "secret access key, with access-key")
	fs.StringVar(&c.BucketPrefix, "bucket-prefix", "choirless-", "put before a bucket's role (raw, converted, …) to make its name")
	fs.StringToStringVar(&c.BucketNames, "bucket", nil, "role=name of a bucket that is called otherwise; repeatable")
	fs.StringVar(&c.Assignments, "assignments", "choirless-assignments", "queue that work is handed out on: name or URL")
	fs.StringVar(&c.Reports, "reports", "choirless-reports", "queue that news of the work comes back on: name or URL")
	fs.DurationVar(&c.Poll, "poll", 10*time.Second, "how long a request to a queue waits for messages, whole seconds; stopping may take as long")
}

// Validate reports all faults, each with its flag's name.
func (c *Config) Validate() error {
	var errs []error
	if (c.AccessKey == "") != (c.SecretKey == "") {
		errs = append(errs, errors.New("--access-key and --secret-key: give both or neither"))
	}
	roles := map[string]bool{}
	for _, r := range definition.Buckets() {
		roles[r] = true
	}
	for role, name := range c.BucketNames {
		if !roles[role] {
			errs = append(errs, fmt.Errorf("--bucket: unknown role %q, want one of %v", role, definition.Buckets()))
		}
		if name == "" {
			errs = append(errs, fmt.Errorf("--bucket: %q has no name", role))
		}
	}
	for flag, v := range map[string]string{"assignments": c.Assignments, "reports": c.Reports} {
		if v == "" {
			errs = append(errs, fmt.Errorf("--%s: empty, want a queue's name or URL", flag))
		}
	}
	for flag, v := range map[string]string{"s3-endpoint": c.S3Endpoint, "sqs-endpoint": c.SQSEndpoint} {
		if u, err := url.Parse(v); v != "" && (err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https")) {
			errs = append(errs, fmt.Errorf("--%s: %q, want http://… or https://…", flag, v))
		}
	}
	if c.Poll < time.Second || c.Poll > 20*time.Second || c.Poll%time.Second != 0 {
		errs = append(errs, fmt.Errorf("--poll: %v, want whole seconds, 1s to 20s", c.Poll))
	}
	return errors.Join(errs...)
}

// BucketName returns what the bucket of a role is called.
func (c *Config) BucketName(role string) string {
	if n, ok := c.BucketNames[role]; ok {
		return n
	}
	return c.BucketPrefix + role
}

// Buckets connects to the object store. It makes no request.
func (c *Config) Buckets(ctx context.Context) (bucket.Buckets, error) {
	s3, err := bucket.DialS3(ctx, bucket.S3Options{
		Endpoint: c.S3Endpoint, Region: c.Region, AccessKey: c.AccessKey, SecretKey: c.SecretKey,
	})
	if err != nil {
		return nil, err
	}
	b := bucket.Buckets{}
	for _, role := range definition.Buckets() {
		b[role] = s3.Bucket(c.BucketName(role))
	}
	return b, nil
}

// Queues opens the named queues, in order.
func (c *Config) Queues(ctx context.Context, names ...string) ([]*queue.SQS, error) {
	server, err := queue.DialSQS(ctx, queue.SQSOptions{
		Endpoint: c.SQSEndpoint, Region: c.Region, AccessKey: c.AccessKey, SecretKey: c.SecretKey,
		Poll: c.Poll,
	})
	if err != nil {
		return nil, err
	}
	var qs []*queue.SQS
	for _, name := range names {
		q, err := server.Open(ctx, name)
		if err != nil {
			return nil, err
		}
		qs = append(qs, q)
	}
	return qs, nil
}
