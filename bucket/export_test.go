package bucket

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Unfinished returns the keys of uploads in parts that were neither completed
// nor aborted. MinIO lists them only by their whole key.
func (b *S3) Unfinished(ctx context.Context, prefix string) ([]string, error) {
	out, err := b.client.ListMultipartUploads(ctx, &s3.ListMultipartUploadsInput{Bucket: &b.name, Prefix: &prefix})
	if err != nil {
		return nil, err
	}
	var keys []string
	for _, u := range out.Uploads {
		keys = append(keys, aws.ToString(u.Key))
	}
	return keys, nil
}

// Begin begins an upload in parts and leaves it.
func (b *S3) Begin(ctx context.Context, key string) error {
	_, err := b.client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: &b.name, Key: &key})
	return err
}
