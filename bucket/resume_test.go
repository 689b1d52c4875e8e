package bucket_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/choirless/render/bucket"
)

// shaky is an S3 server with one object and a bad line: an answer ends after so
// many bytes, and before one is given so many requests fail.
type shaky struct {
	content  []byte
	tag      atomic.Value // string
	cut      int          // bytes after which an answer breaks off; 0: never
	refuse   atomic.Int32 // requests to answer with 503
	requests atomic.Int32
}

func (s *shaky) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.requests.Add(1)
	if s.refuse.Add(-1) >= 0 {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("ETag", `"`+s.tag.Load().(string)+`"`)
	if s.cut > 0 {
		w = &cutWriter{ResponseWriter: w, left: s.cut}
	}
	http.ServeContent(w, r, "", time.Unix(1e9, 0), bytes.NewReader(s.content))
}

type cutWriter struct {
	http.ResponseWriter
	left int
}

func (c *cutWriter) Write(p []byte) (int, error) {
	if len(p) < c.left {
		c.left -= len(p)
		return c.ResponseWriter.Write(p)
	}
	_, _ = c.ResponseWriter.Write(p[:c.left])
	_ = http.NewResponseController(c.ResponseWriter).Flush()
	panic(http.ErrAbortHandler)
}

func newShaky(t *testing.T) (*shaky, *bucket.S3) {
	t.Helper()
	s := &shaky{content: make([]byte, 1_000_000)}
	random := rand.NewChaCha8([32]byte{1})
	_, _ = random.Read(s.content)
	s.tag.Store("one")
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	dialed, err := bucket.DialS3(t.Context(), bucket.S3Options{Endpoint: server.URL, Region: "r", AccessKey: "a", SecretKey: "b"})
	if err != nil {
		t.Fatal(err)
	}
	return s, dialed.Bucket("choir")
}

func TestResume(t *testing.T) {
	for _, rng := range []bucket.Range{{}, {Offset: 100_000}, {Offset: 1, Length: 700_000}} {
		t.Run(fmt.Sprintf("%d+%d", rng.Offset, rng.Length), func(t *testing.T) {
			s, b := newShaky(t)
			s.cut = 300_000
			r, info, err := b.Get(t.Context(), songKey, rng)
			if err != nil || info.Size != int64(len(s.content)) {
				t.Fatalf("get: %+v, %v", info, err)
			}
			defer r.Close()
			want := s.content[rng.Offset:]
			if rng.Length > 0 {
				want = want[:rng.Length]
			}
			got, err := io.ReadAll(r)
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("read %d bytes, %v; want %d", len(got), err, len(want))
			}
			if n := int(s.requests.Load()); n != (len(want)+s.cut-1)/s.cut {
				t.Errorf("%d requests for %d bytes of %d each", n, len(want), s.cut)
			}
		})
	}
}

// TestResumeChanged: the rest of another object is not the rest.
func TestResumeChanged(t *testing.T) {
	s, b := newShaky(t)
	s.cut = 300_000
	r, _, err := b.Get(t.Context(), songKey, bucket.Range{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	s.tag.Store("two")
	got, err := io.ReadAll(r)
	if !errors.Is(err, bucket.ErrChanged) || !bytes.Equal(got, s.content[:len(got)]) {
		t.Errorf("read %d bytes, %v; want ErrChanged", len(got), err)
	}
}

// TestServerComesBack: requests to a server that is starting are repeated.
func TestServerComesBack(t *testing.T) {
	s, b := newShaky(t)
	s.refuse.Store(1)
	if info, err := b.Stat(t.Context(), songKey); err != nil || info.Size != int64(len(s.content)) {
		t.Errorf("stat: %+v, %v", info, err)
	}
}

// TestOpenRequests: reading straight through asks for more at a time, and
// going to and fro between two places does not ask for what is there.
func TestOpenRequests(t *testing.T) {
	s, b := newShaky(t)
	s.content = make([]byte, 8<<20)
	r, _, err := bucket.Open(t.Context(), b, songKey)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := io.Copy(io.Discard, onlyReader{r}); err != nil {
		t.Fatal(err)
	}
	// 8 MiB in requests of 256 KiB, 512 KiB and then 1 MiB each; one HEAD.
	if n := s.requests.Load(); n != 11 {
		t.Errorf("%d requests to read 8 MiB, want 11", n)
	}
	before := s.requests.Load()
	buf := make([]byte, 1000)
	for i := range int64(100) {
		for _, place := range []int64{0, 1 << 20} {
			if _, err := r.Seek(place+i*1000, io.SeekStart); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(r, buf); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := s.requests.Load() - before; n != 2 {
		t.Errorf("%d requests for two places, want 2", n)
	}
}

// onlyReader hides what else a reader can do.
type onlyReader struct{ io.Reader }

// TestErrorsName: an error says which bucket, what and which key.
func TestErrorsName(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
	}))
	defer server.Close()
	dialed, err := bucket.DialS3(t.Context(), bucket.S3Options{Endpoint: server.URL, Region: "r", AccessKey: "a", SecretKey: "b"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = dialed.Bucket("choir").Stat(t.Context(), songKey)
	if err == nil || !strings.HasPrefix(err.Error(), `bucket choir: stat "`+songKey+`": `) || errors.Is(err, bucket.ErrNotFound) {
		t.Errorf("error %v", err)
	}
}
