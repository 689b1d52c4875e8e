package bucket_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"testing"

	"github.com/choirless/render/bucket"
)

// TestDirFile: a file that is kept is the object, what is not kept leaves nothing.
func TestDirFile(t *testing.T) {
	d := openDir(t)
	const key = "001jchoir+001jsong+001jpart.mkv"
	written := func(text string) *bucket.DirFile {
		t.Helper()
		f, err := d.Create(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		// Out of order, and read back, as a muxer and its check do.
		if _, err := f.WriteAt([]byte(text), 4); err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteAt([]byte("head"), 0); err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(f); err != nil || string(b) != "head"+text {
			t.Fatalf("read %q back, %v", b, err)
		}
		return f
	}
	stored := func(want string) bucket.Info {
		t.Helper()
		r, info, err := d.Get(t.Context(), key, bucket.Range{})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if b, err := io.ReadAll(r); err != nil || !bytes.Equal(b, []byte(want)) {
			t.Errorf("stored is %q, %v; want %q", b, err, want)
		}
		return info
	}
	for _, c := range []struct {
		text string
		o    bucket.PutOptions
		err  error
		want string
	}{
		{" one", bucket.PutOptions{IfNotExist: true}, nil, "head one"},
		{" two", bucket.PutOptions{IfNotExist: true}, bucket.ErrExists, "head one"},
		{" three", bucket.PutOptions{}, nil, "head three"},
		{" four", bucket.PutOptions{IfMatch: "another"}, bucket.ErrChanged, "head three"},
	} {
		f := written(c.text)
		for info, err := range d.List(t.Context(), "") {
			if err != nil || info.Key != key {
				t.Errorf("listed %q, %v before it is kept", info.Key, err)
			}
		}
		info, err := f.Keep(t.Context(), key, c.o)
		if !errors.Is(err, c.err) {
			t.Fatalf("kept%s: %v, want %v", c.text, err, c.err)
		}
		if got := stored(c.want); err == nil && got != info {
			t.Errorf("kept%s: %+v, got %+v", c.text, info, got)
		}
	}
	if err := written(" five").Close(); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	late := written(" six")
	cancel()
	if _, err := late.Keep(ctx, key, bucket.PutOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("kept too late: %v", err)
	}
	if _, err := d.Create(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("created too late: %v", err)
	}
	if _, err := written(" seven").Keep(t.Context(), "a/b", bucket.PutOptions{}); err == nil {
		t.Error("kept under a key that is none")
	}
	stored("head three")
	if names, err := os.ReadDir(d.Path()); err != nil || len(names) != 1 {
		t.Errorf("left behind: %v, %v; want one file", names, err)
	}
}
