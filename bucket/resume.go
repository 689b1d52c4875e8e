package bucket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// maxBreaks is how often in a row, without a byte in between, a reader asks
// again before it gives up.
const maxBreaks = 4

// resumeReader reads the body of an answer, and when the connection breaks, the
// rest of it in another. The SDK repeats requests, but an answer that has begun
// is nobody's but the reader's.
type resumeReader struct {
	ctx      context.Context // of Get: io.Reader has no place for one
	bucket   *S3
	body     io.ReadCloser
	info     Info
	pos, end int64 // bytes in the object
	breaks   int
}

// Read implements io.Reader.
func (r *resumeReader) Read(p []byte) (int, error) {
	for {
		n, err := r.body.Read(p)
		r.pos += int64(n)
		if n > 0 {
			r.breaks = 0
		}
		switch {
		case err == nil:
			return n, nil
		case err == io.EOF && r.pos >= r.end:
			return n, io.EOF
		case r.pos >= r.end:
			// All is there, and something is wrong with it: the checksum.
			return n, r.bucket.wrap("read", r.info.Key, err)
		}
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if err := r.resume(err); err != nil {
			return n, err
		}
		if n > 0 {
			return n, nil
		}
	}
}

// resume asks for the rest after the error why.
func (r *resumeReader) resume(why error) error {
	if err := r.ctx.Err(); err != nil {
		return r.bucket.wrap("read", r.info.Key, err)
	}
	if r.breaks++; r.breaks > maxBreaks {
		return r.bucket.wrap("read", r.info.Key, fmt.Errorf("at %d of %d: %w", r.pos, r.end, why))
	}
	select {
	case <-r.ctx.Done():
	case <-time.After(100 * time.Millisecond << (2 * (r.breaks - 1))): // 0.1 s … 6.4 s
	}
	body, _, err := r.bucket.get(r.ctx, r.info.Key, Range{r.pos, r.end - r.pos}, r.info.ETag)
	switch s := statusOf(err); {
	case s == http.StatusPreconditionFailed, s == http.StatusNotFound:
		return r.bucket.wrap("read", r.info.Key, ErrChanged)
	case err != nil:
		return r.bucket.wrap("read", r.info.Key, errors.Join(why, err))
	}
	r.body.Close()
	r.body = body
	return nil
}

// Close implements io.Closer.
func (r *resumeReader) Close() error { return r.body.Close() }
