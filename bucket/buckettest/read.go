package buckettest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/choirless/render/bucket"
)

func ranges(s *suite) {
	const content = "0123456789"
	s.put(songKey, content)
	for _, test := range []struct {
		rng  bucket.Range
		want string
	}{
		{bucket.Range{}, content},
		{bucket.Range{Offset: 0, Length: 1}, "0"},
		{bucket.Range{Offset: 3, Length: 4}, "3456"},
		{bucket.Range{Offset: 3}, "3456789"},
		{bucket.Range{Offset: 9, Length: 1}, "9"},
		{bucket.Range{Offset: 8, Length: 100}, "89"},
		{bucket.Range{Offset: 0, Length: 1 << 40}, content},
		{bucket.Range{Offset: 10}, ""},
		{bucket.Range{Offset: 11, Length: 5}, ""},
	} {
		got, info := s.get(songKey, test.rng)
		if got != test.want || info.Size != int64(len(content)) || info.Key != songKey {
			s.Errorf("%+v: got %q of %+v, want %q", test.rng, got, info, test.want)
		}
	}
	s.put("empty", "")
	if got, _ := s.get("empty", bucket.Range{Length: 5}); got != "" {
		s.Errorf("range of an empty object: %q", got)
	}
	for _, rng := range []bucket.Range{{Offset: -1}, {Length: -1}, {Offset: 1 << 62, Length: 1 << 62}} {
		if _, _, err := s.b.Get(s.ctx, songKey, rng); err == nil {
			s.Errorf("got %+v", rng)
		}
	}
}

func missing(s *suite) {
	_, _, err := s.b.Get(s.ctx, songKey, bucket.Range{})
	s.is("get", err, bucket.ErrNotFound)
	_, _, err = s.b.Get(s.ctx, songKey, bucket.Range{Offset: 5, Length: 1})
	s.is("get range", err, bucket.ErrNotFound)
	_, err = s.b.Stat(s.ctx, songKey)
	s.is("stat", err, bucket.ErrNotFound)
	_, _, err = bucket.Open(s.ctx, s.b, songKey)
	s.is("open", err, bucket.ErrNotFound)
	if err == nil || !strings.Contains(err.Error(), songKey) {
		s.Errorf("error %q does not name the key", err)
	}
}

func list(s *suite) {
	for _, key := range []string{"b+2", "a+1", "b+10", "b+1", "B", "b", "c", "é"} {
		s.put(key, key)
	}
	for prefix, want := range map[string][]string{
		"":    {"B", "a+1", "b", "b+1", "b+10", "b+2", "c", "é"},
		"b":   {"b", "b+1", "b+10", "b+2"},
		"b+1": {"b+1", "b+10"},
		"d":   nil,
		"é":   {"é"},
	} {
		if got := s.listed(prefix); !slices.Equal(got, want) {
			s.Errorf("prefix %q: %q, want %q", prefix, got, want)
		}
	}
	for info, err := range s.b.List(s.ctx, "") {
		if err != nil || info.Size != int64(len(info.Key)) || info.Modified.IsZero() {
			s.Errorf("listed %+v, %v", info, err)
		}
		break // as a caller may
	}
}

func longList(s *suite) {
	const n = 1010
	var want []string
	var wg sync.WaitGroup
	limit := make(chan struct{}, 8)
	for i := range n {
		key := fmt.Sprintf("%04d", i)
		want = append(want, key)
		limit <- struct{}{}
		wg.Go(func() {
			if _, err := s.b.Put(s.ctx, key, strings.NewReader(key), bucket.PutOptions{}); err != nil {
				s.Errorf("put: %v", err)
			}
			<-limit
		})
	}
	wg.Wait()
	if got := s.listed(""); !slices.Equal(got, want) {
		s.Errorf("listed %d keys, want %d", len(got), n)
	}
}

func remove(s *suite) {
	s.put(songKey, "a")
	for range 2 {
		if err := s.b.Delete(s.ctx, songKey); err != nil {
			s.Errorf("delete: %v", err)
		}
	}
	s.nothing(songKey)
}

func etag(s *suite) {
	seen := map[string]bool{}
	for _, content := range []string{"a", "b", "c", strings.Repeat("d", 9<<20)} {
		put := s.put(songKey, content)
		_, got := s.get(songKey, bucket.Range{})
		_, part := s.get(songKey, bucket.Range{Length: 1})
		stat, err := s.b.Stat(s.ctx, songKey)
		if err != nil {
			s.Fatal(err)
		}
		var listed bucket.Info
		for info, err := range s.b.List(s.ctx, "") {
			if listed = info; err != nil {
				s.Fatal(err)
			}
		}
		for _, info := range []bucket.Info{put, got, part, stat, listed} {
			if info.ETag == "" || strings.Contains(info.ETag, `"`) || info.ETag != put.ETag ||
				info.Size != int64(len(content)) || info.Key != songKey {
				s.Errorf("put %+v, then %+v", put, info)
			}
		}
		if seen[put.ETag] {
			s.Errorf("etag %q of another content", put.ETag)
		}
		seen[put.ETag] = true
	}
}

func open(s *suite) {
	content := random(3<<20 + 12345)
	s.put(songKey, string(content))
	for _, size := range []int{1000, 1 << 20, len(content) + 1} {
		r, info, err := bucket.Open(s.ctx, s.b, songKey)
		if err != nil || info.Size != int64(len(content)) {
			s.Fatalf("open: %+v, %v", info, err)
		}
		var got []byte
		for buf := make([]byte, size); err == nil; {
			var n int
			n, err = r.Read(buf)
			got = append(got, buf[:n]...)
		}
		if err != io.EOF || !bytes.Equal(got, content) {
			s.Errorf("read %d bytes by %d, %v; want %d", len(got), size, err, len(content))
		}
		if err := r.Close(); err != nil {
			s.Errorf("close: %v", err)
		}
		if _, err := r.Read(make([]byte, 1)); !errors.Is(err, os.ErrClosed) {
			s.Errorf("read after close: %v", err)
		}
	}
}

func openLeaps(s *suite) {
	content := random(6<<20 + 7)
	s.put(songKey, string(content))
	r, _, err := bucket.Open(s.ctx, s.b, songKey)
	if err != nil {
		s.Fatal(err)
	}
	defer r.Close()
	want := bytes.NewReader(content)
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		offset, whence := random.Int64N(int64(len(content)+1000)), io.SeekStart
		switch random.IntN(4) {
		case 0:
			offset, whence = -offset, io.SeekEnd
		case 1:
			offset, whence = offset%400_000-100_000, io.SeekCurrent
		}
		pos, err := r.Seek(offset, whence)
		wpos, werr := want.Seek(offset, whence)
		if pos != wpos && err == nil || (err == nil) != (werr == nil) {
			s.Fatalf("seek %d, %d: %d, %v; want %d, %v", offset, whence, pos, err, wpos, werr)
		}
		if err != nil {
			continue
		}
		a, b := make([]byte, random.IntN(300_000)), make([]byte, 300_000)
		n, err := io.ReadFull(r, a)
		wn, werr := io.ReadFull(want, b[:len(a)])
		if n != wn || err != werr || !bytes.Equal(a[:n], b[:n]) {
			s.Fatalf("read %d at %d: %d, %v; want %d, %v", len(a), pos, n, err, wn, werr)
		}
	}
}

func openChanged(s *suite) {
	content := random(6 << 20)
	s.put(songKey, string(content))
	r, _, err := bucket.Open(s.ctx, s.b, songKey)
	if err != nil {
		s.Fatal(err)
	}
	defer r.Close()
	if _, err := io.ReadFull(r, make([]byte, 1000)); err != nil {
		s.Fatal(err)
	}
	s.put(songKey, strings.Repeat("x", len(content)))
	rest, err := io.ReadAll(r)
	if err == nil && !bytes.Equal(rest, content[1000:]) || err != nil && !errors.Is(err, bucket.ErrChanged) {
		s.Errorf("read %d bytes of another object, %v", len(rest), err)
	}
}
