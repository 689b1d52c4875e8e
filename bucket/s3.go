package bucket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// S3 is a Bucket on a server that speaks the protocol of Amazon S3. Safe for
// concurrent use. Checksums go with every upload and are checked on what comes
// back where the server keeps them.
//
// Two limits of a network: when ctx ends while the last request of a Put is
// under way the object may be there all the same; and a Put with IfNotExist
// whose answer was lost finds its own object and returns ErrExists, one with
// IfMatch ErrChanged. All are harmless where a key names its content, or who puts
// looks again.
type S3 struct {
	name    string
	client  *s3.Client
	upload  *transfermanager.Client
	presign *s3.PresignClient
}

// Name returns the server's name of the bucket.
func (b *S3) Name() string { return b.name }

// Put implements Bucket. Up to 8 MiB are sent in one request, more in parts
// that are thrown away on error.
func (b *S3) Put(ctx context.Context, key string, r io.Reader, o PutOptions) (Info, error) {
	if err := CheckKey(key); err != nil {
		return Info{}, err
	}
	if err := ctx.Err(); err != nil {
		return Info{}, b.wrap("put", key, err)
	}
	count := &countReader{r: contextReader{ctx, r}}
	in := &transfermanager.UploadObjectInput{Bucket: &b.name, Key: &key, Body: count}
	if o.ContentType != "" {
		in.ContentType = &o.ContentType
	}
	if o.IfNotExist { // spare the work; the server decides in the end
		switch _, err := b.Stat(ctx, key); {
		case err == nil:
			return Info{}, b.wrap("put", key, ErrExists)
		case !errors.Is(err, ErrNotFound):
			return Info{}, err
		}
		in.IfNoneMatch = aws.String("*")
	}
	if o.IfMatch != "" {
		in.IfMatch = aws.String(`"` + o.IfMatch + `"`)
	}
	out, err := b.upload.UploadObject(ctx, in)
	if err != nil {
		if o.IfNotExist && b.taken(ctx, key, err) {
			err = ErrExists
		} else if o.IfMatch != "" && replaced(err) {
			err = ErrChanged
		} else if ctx.Err() != nil && !errors.Is(err, ctx.Err()) {
			err = fmt.Errorf("%w: %w", ctx.Err(), err)
		}
		return Info{}, b.wrap("put", key, err)
	}
	return Info{Key: key, Size: count.n, ETag: unquote(out.ETag), Modified: time.Now()}, nil
}

// taken tells whether a Put with IfNotExist failed because another one stored.
// 412 says so; 409 only says that another was under way.
func (b *S3) taken(ctx context.Context, key string, err error) bool {
	switch statusOf(err) {
	case http.StatusPreconditionFailed:
		return true
	case http.StatusConflict:
		_, err := b.Stat(ctx, key)
		return err == nil
	}
	return false
}

// replaced tells whether a Put with IfMatch failed because the object is another one,
// is gone, or was being replaced.
func replaced(err error) bool {
	switch statusOf(err) {
	case http.StatusPreconditionFailed, http.StatusConflict:
		return true
	case http.StatusNotFound:
		return !missingBucket(err)
	}
	return false
}

// Get implements Bucket. When the connection breaks in the middle the rest is
// asked for again, of the same version of the object.
func (b *S3) Get(ctx context.Context, key string, rng Range) (io.ReadCloser, Info, error) {
	if err := CheckKey(key); err != nil {
		return nil, Info{}, err
	}
	if err := checkRange(rng); err != nil {
		return nil, Info{}, err
	}
	body, info, err := b.get(ctx, key, rng, "")
	if statusOf(err) == http.StatusRequestedRangeNotSatisfiable {
		// Begins at or past the end.
		if info, err = b.Stat(ctx, key); err != nil {
			return nil, Info{}, err
		}
		return http.NoBody, info, nil
	}
	if err != nil {
		return nil, Info{}, b.wrap("get", key, err)
	}
	end := info.Size
	if rng.Length > 0 {
		end = min(end, rng.Offset+rng.Length)
	}
	return &resumeReader{ctx: ctx, bucket: b, body: body, info: info, pos: rng.Offset, end: end}, info, nil
}

// get makes one request. With a tag it wants that version of the object.
func (b *S3) get(ctx context.Context, key string, rng Range, tag string) (io.ReadCloser, Info, error) {
	in := &s3.GetObjectInput{Bucket: &b.name, Key: &key}
	switch {
	case rng.Length > 0:
		in.Range = aws.String(fmt.Sprintf("bytes=%d-%d", rng.Offset, rng.Offset+rng.Length-1))
	case rng.Offset > 0:
		in.Range = aws.String(fmt.Sprintf("bytes=%d-", rng.Offset))
	}
	if tag != "" {
		in.IfMatch = aws.String(`"` + tag + `"`)
	}
	out, err := b.client.GetObject(ctx, in)
	if err != nil {
		return nil, Info{}, err
	}
	size := aws.ToInt64(out.ContentLength)
	if in.Range != nil {
		// bytes 0-99/1234
		_, total, _ := strings.Cut(aws.ToString(out.ContentRange), "/")
		if _, err := fmt.Sscan(total, &size); err != nil {
			out.Body.Close()
			return nil, Info{}, fmt.Errorf("content range %q: %w", aws.ToString(out.ContentRange), err)
		}
	}
	return out.Body, Info{Key: key, Size: size, ETag: unquote(out.ETag), Modified: aws.ToTime(out.LastModified)}, nil
}

// Stat implements Bucket.
func (b *S3) Stat(ctx context.Context, key string) (Info, error) {
	if err := CheckKey(key); err != nil {
		return Info{}, err
	}
	out, err := b.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &b.name, Key: &key})
	if err != nil {
		return Info{}, b.wrap("stat", key, err)
	}
	return Info{Key: key, Size: aws.ToInt64(out.ContentLength), ETag: unquote(out.ETag), Modified: aws.ToTime(out.LastModified)}, nil
}

// List implements Bucket. Keys that are none of ours (with a '/', say) are
// left out.
func (b *S3) List(ctx context.Context, prefix string) iter.Seq2[Info, error] {
	return func(yield func(Info, error) bool) {
		pages := s3.NewListObjectsV2Paginator(b.client, &s3.ListObjectsV2Input{Bucket: &b.name, Prefix: &prefix})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				yield(Info{}, b.wrap("list", prefix, err))
				return
			}
			for _, o := range page.Contents {
				info := Info{Key: aws.ToString(o.Key), Size: aws.ToInt64(o.Size), ETag: unquote(o.ETag), Modified: aws.ToTime(o.LastModified)}
				if CheckKey(info.Key) == nil && !yield(info, nil) {
					return
				}
			}
		}
	}
}

// Delete implements Bucket.
func (b *S3) Delete(ctx context.Context, key string) error {
	if err := CheckKey(key); err != nil {
		return err
	}
	_, err := b.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &b.name, Key: &key})
	if err != nil {
		err = b.wrap("delete", key, err)
	}
	if errors.Is(err, ErrNotFound) {
		return nil // some servers say so
	}
	return err
}

// PresignGet implements Presigner.
func (b *S3) PresignGet(ctx context.Context, key string, valid time.Duration) (string, error) {
	if err := CheckKey(key); err != nil {
		return "", err
	}
	req, err := b.presign.PresignGetObject(ctx, &s3.GetObjectInput{Bucket: &b.name, Key: &key}, s3.WithPresignExpires(valid))
	if err != nil {
		return "", b.wrap("presign get", key, err)
	}
	return req.URL, nil
}

// PresignPut implements Presigner. The upload is a plain PUT of the content.
func (b *S3) PresignPut(ctx context.Context, key string, valid time.Duration) (string, error) {
	if err := CheckKey(key); err != nil {
		return "", err
	}
	req, err := b.presign.PresignPutObject(ctx, &s3.PutObjectInput{Bucket: &b.name, Key: &key}, s3.WithPresignExpires(valid),
		func(po *s3.PresignOptions) {
			// A checksum in the address would be that of an empty body.
			po.ClientOptions = append(po.ClientOptions, func(so *s3.Options) {
				so.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
			})
		})
	if err != nil {
		return "", b.wrap("presign put", key, err)
	}
	return req.URL, nil
}

// wrap says which operation on which object of which bucket failed.
func (b *S3) wrap(op, key string, err error) error {
	if statusOf(err) == http.StatusNotFound && !missingBucket(err) {
		err = ErrNotFound
	}
	return fmt.Errorf("bucket %s: %s %q: %w", b.name, op, key, err)
}

// missingBucket tells a missing bucket from a missing object. An answer to
// HEAD has no body to say it in, so there the object is what is missing.
func missingBucket(err error) bool {
	var api interface{ ErrorCode() string }
	return errors.As(err, &api) && api.ErrorCode() == "NoSuchBucket"
}

// statusOf returns the HTTP status an error came with, or 0.
func statusOf(err error) int {
	var resp *awshttp.ResponseError
	if errors.As(err, &resp) {
		return resp.HTTPStatusCode()
	}
	return 0
}

func unquote(tag *string) string { return strings.Trim(aws.ToString(tag), `"`) }

// countReader counts what is read.
type countReader struct {
	r io.Reader
	n int64
}

func (c *countReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}
