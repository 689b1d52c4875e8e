package bucket_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/choirless/render/bucket"
)

// Checksums go with what is uploaded, also from a reader that cannot seek, and what is
// downloaded is held to the one that comes with it.
func TestChecksums(t *testing.T) {
	const content = "sung by many"
	crc := func(b []byte) string {
		return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(b)))
	}
	answer := content
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"tag"`)
		switch r.Method {
		case http.MethodPut:
			body, err := io.ReadAll(r.Body)
			if err != nil || string(body) != content || r.Header.Get("X-Amz-Checksum-Crc32") != crc(body) {
				t.Errorf("put %q, %v, with checksum %q, want %q", body, err, r.Header.Get("X-Amz-Checksum-Crc32"), crc([]byte(content)))
			}
		case http.MethodGet:
			if r.Header.Get("X-Amz-Checksum-Mode") != "ENABLED" {
				t.Error("get asks for no checksum")
			}
			w.Header().Set("X-Amz-Checksum-Crc32", crc([]byte(content)))
			w.Header().Set("X-Amz-Checksum-Type", "FULL_OBJECT")
			io.WriteString(w, answer)
		}
	}))
	defer server.Close()
	dialed, err := bucket.DialS3(t.Context(), bucket.S3Options{Endpoint: server.URL, Region: "r", AccessKey: "a", SecretKey: "b"})
	if err != nil {
		t.Fatal(err)
	}
	b := dialed.Bucket("choir")
	if _, err := b.Put(t.Context(), songKey, io.MultiReader(strings.NewReader(content)), bucket.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	read := func() ([]byte, error) {
		r, _, err := b.Get(t.Context(), songKey, bucket.Range{})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		return io.ReadAll(r)
	}
	if got, err := read(); err != nil || !bytes.Equal(got, []byte(content)) {
		t.Errorf("read %q, %v", got, err)
	}
	answer = strings.ToUpper(content)
	if got, err := read(); err == nil || !strings.Contains(err.Error(), "checksum") {
		t.Errorf("read %q, %v; want an error of its checksum", got, err)
	}
}
