package bucket

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// S3Options say how to reach a server. The zero value is Amazon's with the
// region and credentials that its SDK finds: environment, files, instance role.
type S3Options struct {
	// Endpoint is the address of another server, such as http://127.0.0.1:9000, where the
	// bucket then stands in the path and not in the host name.
	Endpoint  string
	Region    string
	AccessKey string // with SecretKey; empty: what the SDK finds
	SecretKey string
}

// One upload holds about partSize·(uploads+1) bytes while it runs; two at once
// keep a connection busy while the next part is being read.
const (
	partSize      = 8 << 20 // bytes; also what is sent in one piece
	uploads       = 2
	abortPatience = 10 * time.Second
)

// S3Server opens buckets. Safe for concurrent use.
type S3Server struct {
	client *s3.Client
	upload *transfermanager.Client
}

// DialS3 prepares the connection to a server; it makes no request.
func DialS3(ctx context.Context, o S3Options) (*S3Server, error) {
	load := []func(*config.LoadOptions) error{
		// A server that is restarted or overloaded is waited for, about half a
		// minute if the caller's context lets us; the SDK's own limit on the
		// rate of retries would give up in the middle of an outage.
		config.WithRetryer(func() aws.Retryer {
			return retry.NewStandard(func(r *retry.StandardOptions) {
				r.MaxAttempts = 10
				r.MaxBackoff = 8 * time.Second
				r.RateLimiter = ratelimit.None
			})
		}),
		config.WithHTTPClient(awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
			t.ResponseHeaderTimeout = time.Minute
			t.MaxIdleConnsPerHost = 32
		})),
	}
	if o.Region != "" {
		load = append(load, config.WithRegion(o.Region))
	}
	if o.AccessKey != "" {
		load = append(load, config.WithCredentialsProvider(
			credentials.NewStaticCredentialsProvider(o.AccessKey, o.SecretKey, "")))
	}
	cfg, err := config.LoadDefaultConfig(ctx, load...)
	if err != nil {
		return nil, fmt.Errorf("bucket: %w", err)
	}
	client := s3.NewFromConfig(cfg, func(so *s3.Options) {
		so.UsePathStyle = o.Endpoint != ""
		if o.Endpoint != "" {
			so.BaseEndpoint = aws.String(o.Endpoint)
		}
		// Said and not left to a default that differs by constructor.
		so.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenSupported
		so.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenSupported
		// Ranges and multipart objects have none; that is no news.
		so.DisableLogOutputChecksumValidationSkipped = true
	})
	upload := transfermanager.New(client, func(to *transfermanager.Options) {
		to.PartSizeBytes, to.MultipartUploadThreshold = partSize, partSize
		to.Concurrency = uploads
		// In a context of its own, so that a cancelled upload leaves nothing.
		to.FailTimeout = abortPatience
	})
	return &S3Server{client: client, upload: upload}, nil
}

// Bucket returns the bucket of that name; it makes no request.
func (s *S3Server) Bucket(name string) *S3 {
	return &S3{name: name, client: s.client, upload: s.upload, presign: s3.NewPresignClient(s.client)}
}

// Create makes the bucket of that name if it is missing. It is for tests and
// single clusters; on Amazon a template makes the buckets.
func (s *S3Server) Create(ctx context.Context, name string) (*S3, error) {
	in := &s3.CreateBucketInput{Bucket: &name}
	if r := s.client.Options().Region; r != "" && r != "us-east-1" { // where naming it is an error
		in.CreateBucketConfiguration = &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraint(r)}
	}
	_, err := s.client.CreateBucket(ctx, in)
	var owned *types.BucketAlreadyOwnedByYou
	if err != nil && !errors.As(err, &owned) {
		return nil, fmt.Errorf("bucket %s: create: %w", name, err)
	}
	return s.Bucket(name), nil
}

// Notify has the server announce new objects of the bucket to a queue or hook
// it knows by that ARN (for MinIO: arn:minio:sqs::PRIMARY:webhook). Like
// Create it is for tests and single clusters.
func (s *S3Server) Notify(ctx context.Context, name, arn string) error {
	_, err := s.client.PutBucketNotificationConfiguration(ctx, &s3.PutBucketNotificationConfigurationInput{
		Bucket: &name,
		NotificationConfiguration: &types.NotificationConfiguration{
			QueueConfigurations: []types.QueueConfiguration{{
				QueueArn: &arn, Events: []types.Event{types.EventS3ObjectCreated},
			}},
		},
	})
	if err != nil {
		return fmt.Errorf("bucket %s: notify %s: %w", name, arn, err)
	}
	return nil
}
