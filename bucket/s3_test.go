package bucket_test

import (
	"crypto/rand"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/choirless/render/bucket"
	"github.com/choirless/render/bucket/buckettest"
	"github.com/choirless/render/internal/testserver"
)

// songKey is the key of the suite's uploads that fail.
const songKey = "001jchoir+001jsong+001jpart.webm"

func dialS3(t *testing.T, s testserver.S3) *bucket.S3Server {
	t.Helper()
	server, err := bucket.DialS3(t.Context(), bucket.S3Options{
		Endpoint: s.Endpoint, Region: s.Region, AccessKey: s.AccessKey, SecretKey: s.SecretKey,
	})
	if err != nil {
		t.Fatal(err)
	}
	return server
}

// create makes a bucket of a name nobody has.
func create(t *testing.T, server *bucket.S3Server) *bucket.S3 {
	t.Helper()
	b, err := server.Create(t.Context(), "test-"+strings.ToLower(rand.Text()))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func unfinished(t *testing.T, b bucket.Bucket) []string {
	t.Helper()
	keys, err := b.(*bucket.S3).Unfinished(t.Context(), songKey)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func TestMinIO(t *testing.T) { testS3(t, testserver.MinIO(t)) }

func TestVersitygw(t *testing.T) { testS3(t, testserver.Versitygw(t)) }

func testS3(t *testing.T, s testserver.S3) {
	server := dialS3(t, s)
	buckettest.Run(t, buckettest.Options{
		Open:      func(t *testing.T) bucket.Bucket { return create(t, server) },
		Leftovers: unfinished,
	})
	t.Run("unfinished uploads are seen", func(t *testing.T) {
		b := create(t, server)
		if err := b.Begin(t.Context(), songKey); err != nil {
			t.Fatal(err)
		}
		if keys := unfinished(t, b); len(keys) != 1 {
			t.Errorf("unfinished uploads %q, want one: the suite would not see what is left over", keys)
		}
	})
	t.Run("presigned", func(t *testing.T) { presigned(t, create(t, server)) })
	t.Run("create again", func(t *testing.T) {
		b := create(t, server)
		if _, err := server.Create(t.Context(), b.Name()); err != nil {
			t.Error(err)
		}
	})
	t.Run("missing bucket", func(t *testing.T) {
		_, _, err := server.Bucket("test-none").Get(t.Context(), "a", bucket.Range{})
		if err == nil || !strings.Contains(err.Error(), "NoSuchBucket") {
			t.Errorf("get from a missing bucket: %v", err)
		}
	})
}

// presigned uploads and downloads as a browser does, with an address alone.
func presigned(t *testing.T, b *bucket.S3) {
	do := func(method, address, body string, header ...string) (int, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(header); i += 2 {
			req.Header.Set(header[i], header[i+1])
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		answer, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(answer)
	}
	for _, key := range []string{songKey, "a b%2B?&=ü🎵"} {
		put, err := b.PresignPut(t.Context(), key, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if status, answer := do(http.MethodPut, put, "0123456789"); status != http.StatusOK {
			t.Fatalf("put %q: %d %s", key, status, answer)
		}
		if info, err := b.Stat(t.Context(), key); err != nil || info.Size != 10 {
			t.Errorf("stat %q: %+v, %v", key, info, err)
		}
		get, err := b.PresignGet(t.Context(), key, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if status, answer := do(http.MethodGet, get, ""); status != http.StatusOK || answer != "0123456789" {
			t.Errorf("get %q: %d %s", key, status, answer)
		}
		if status, answer := do(http.MethodGet, get, "", "Range", "bytes=3-5"); status != http.StatusPartialContent || answer != "345" {
			t.Errorf("get 3-5 of %q: %d %s", key, status, answer)
		}
		other := strings.Replace(get, "X-Amz-Signature=", "X-Amz-Signature=0", 1)
		if status, _ := do(http.MethodGet, other, ""); status != http.StatusForbidden {
			t.Errorf("get with another signature: %d, want 403", status)
		}
	}
}

// TestMinIOEvents: an independent server's own notification of a new object is
// read as what was put, by each way of putting.
func TestMinIOEvents(t *testing.T) {
	bodies := make(chan []byte, 10)
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		if len(body) > 0 { // it also asks whether somebody is there
			bodies <- body
		}
	}))
	t.Cleanup(hook.Close)
	server := dialS3(t, testserver.MinIO(t,
		"MINIO_NOTIFY_WEBHOOK_ENABLE_PRIMARY=on", "MINIO_NOTIFY_WEBHOOK_ENDPOINT_PRIMARY="+hook.URL))
	b := create(t, server)
	// It knows its hooks a little after it says that it is ready.
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		err := server.Notify(t.Context(), b.Name(), "arn:minio:sqs::PRIMARY:webhook")
		if err == nil {
			break
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		key  string
		size int
		name string
	}{
		{songKey, 3, "ObjectCreated:Put"},
		{songKey, 9 << 20, "ObjectCreated:CompleteMultipartUpload"},
		{"a b%2B?&=ü🎵", 3, "ObjectCreated:Put"},
	} {
		info, err := b.Put(t.Context(), test.key, strings.NewReader(strings.Repeat("x", test.size)), bucket.PutOptions{})
		if err != nil {
			t.Fatal(err)
		}
		select {
		case body := <-bodies:
			events, err := bucket.ParseEvents(body)
			if err != nil || len(events) != 1 {
				t.Fatalf("events %+v, %v from %s", events, err, body)
			}
			e := events[0]
			if e.Name != test.name || e.Bucket != b.Name() || e.Key != test.key || e.Size != info.Size || e.ETag != info.ETag {
				t.Errorf("event %+v, put %+v", e, info)
			}
		case <-time.After(time.Minute):
			t.Fatal("no event")
		}
	}
}
