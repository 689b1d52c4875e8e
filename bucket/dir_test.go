package bucket_test

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/choirless/render/bucket"
	"github.com/choirless/render/bucket/buckettest"
)

func openDir(t *testing.T) *bucket.Dir {
	t.Helper()
	d, err := bucket.OpenDir(filepath.Join(t.TempDir(), "raw"), bucket.DirOptions{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDir(t *testing.T) {
	buckettest.Run(t, buckettest.Options{
		Open: func(t *testing.T) bucket.Bucket { return openDir(t) },
		Leftovers: func(t *testing.T, b bucket.Bucket) []string {
			left, err := filepath.Glob(filepath.Join(b.(*bucket.Dir).Path(), ".choir-put-*"))
			if err != nil {
				t.Fatal(err)
			}
			return left
		},
	})
}

// TestDirFiles: files are objects under their very names, whoever put them
// there, and what is no finished file is none.
func TestDirFiles(t *testing.T) {
	d := openDir(t)
	const key = "001jchoir+001jsong+001jpart.webm"
	for _, name := range []string{key, ".hidden", "b.webm.part", "b.webm~", ".b.webm.Ab12cd", "b.webm.crdownload"} {
		if err := os.WriteFile(filepath.Join(d.Path(), name), []byte("a"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(d.Path(), "folder"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("nowhere", filepath.Join(d.Path(), "link")); err != nil {
		t.Fatal(err)
	}
	var keys []string
	for info, err := range d.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, info.Key)
	}
	if len(keys) != 1 || keys[0] != key {
		t.Errorf("listed %q, want %q", keys, key)
	}
	if err := d.Delete(t.Context(), "folder"); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(d.Path(), "folder")); err != nil {
		t.Errorf("delete removed a folder: %v", err)
	}
	if _, err := d.Put(t.Context(), "out.mp4", strings.NewReader("a"), bucket.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	st, err := os.Stat(filepath.Join(d.Path(), "out.mp4"))
	if err != nil || st.Mode().Perm()&0o400 == 0 {
		t.Errorf("put wrote %v, %v", st, err)
	}
	r, _, err := d.Get(t.Context(), key, bucket.Range{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, ok := r.(*os.File); !ok {
		t.Errorf("get gave a %T, want a file", r)
	}
}

// halfReader gives a half, and the rest when it is told to.
type halfReader struct {
	half, rest chan struct{}
	given      bool
}

func (h *halfReader) Read(p []byte) (int, error) {
	if !h.given {
		h.given = true
		return copy(p, "half"), nil
	}
	close(h.half)
	<-h.rest
	return 0, io.EOF
}

// TestDirClean: what a dead process left behind goes, what a living one is
// writing stays.
func TestDirClean(t *testing.T) {
	d := openDir(t)
	old := time.Now().Add(-time.Hour)
	dead := filepath.Join(d.Path(), ".choir-put-dead")
	if err := os.WriteFile(dead, []byte("a"), 0o666); err != nil {
		t.Fatal(err)
	}
	r := &halfReader{half: make(chan struct{}), rest: make(chan struct{})}
	stored := make(chan error, 1)
	go func() {
		_, err := d.Put(t.Context(), "living", r, bucket.PutOptions{})
		stored <- err
	}()
	<-r.half
	names, err := filepath.Glob(filepath.Join(d.Path(), ".choir-put-*"))
	if err != nil || len(names) != 2 {
		t.Fatalf("temporary files %q, %v; want two", names, err)
	}
	for _, name := range names { // both look forgotten
		if err := os.Chtimes(name, old, old); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := bucket.OpenDir(d.Path(), bucket.DirOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dead); !os.IsNotExist(err) {
		t.Errorf("leftover: %v, want it gone", err)
	}
	close(r.rest)
	if err := <-stored; err != nil {
		t.Errorf("put beside a cleaning: %v", err)
	}
}
