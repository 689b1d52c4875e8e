package buckettest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing/iotest"

	"github.com/choirless/render/bucket"
)

func replace(s *suite) {
	s.put(songKey, "first")
	s.put(songKey, "2nd")
	if content, info := s.get(songKey, bucket.Range{}); content != "2nd" || info.Size != 3 {
		s.Errorf("got %q of %d bytes, want %q", content, info.Size, "2nd")
	}
	s.clean()
}

func atomicity(s *suite) {
	const size, writes = 200_000, 8
	contents := []string{strings.Repeat("a", size), strings.Repeat("b", 2*size)}
	s.put(songKey, contents[0])
	done := make(chan struct{})
	var writers sync.WaitGroup
	for _, content := range contents {
		writers.Go(func() {
			for range writes {
				if _, err := s.b.Put(s.ctx, songKey, strings.NewReader(content), bucket.PutOptions{}); err != nil {
					s.Errorf("put: %v", err)
				}
			}
		})
	}
	go func() { writers.Wait(); close(done) }()
	defer writers.Wait()
	for reading := true; reading; {
		select {
		case <-done:
			reading = false
		default:
		}
		content, info := s.get(songKey, bucket.Range{})
		if !slices.Contains(contents, content) || info.Size != int64(len(content)) {
			s.Fatalf("read a mixture of %d bytes, said to be %d", len(content), info.Size)
		}
	}
}

func failed(s *suite) {
	broken := errors.New("broken")
	for _, size := range []int{0, 1000, 9 << 20} {
		r := io.MultiReader(bytes.NewReader(make([]byte, size)), iotest.ErrReader(broken))
		_, err := s.b.Put(s.ctx, songKey, r, bucket.PutOptions{})
		s.is("put", err, broken)
		s.nothing(songKey)
	}
}

type cancelReader struct {
	left   int
	cancel context.CancelFunc
}

func (c *cancelReader) Read(p []byte) (int, error) {
	if c.left -= len(p); c.left <= 0 {
		c.cancel()
	}
	return len(p), nil
}

func cancelled(s *suite) {
	for _, size := range []int{1, 1000, 9 << 20, 20 << 20} {
		ctx, cancel := context.WithCancel(s.ctx)
		_, err := s.b.Put(ctx, songKey, &cancelReader{size, cancel}, bucket.PutOptions{})
		s.is("put", err, context.Canceled)
		s.nothing(songKey)
	}
	ctx, cancel := context.WithCancel(s.ctx)
	cancel()
	_, err := s.b.Put(ctx, songKey, strings.NewReader(""), bucket.PutOptions{})
	s.is("put", err, context.Canceled)
	s.nothing(songKey)
	s.put(songKey, "a")
	_, _, err = s.b.Get(ctx, songKey, bucket.Range{})
	s.is("get", err, context.Canceled)
	_, err = s.b.Stat(ctx, songKey)
	s.is("stat", err, context.Canceled)
	for _, err := range s.b.List(ctx, "") {
		s.is("list", err, context.Canceled)
	}
}

func exclusive(s *suite) {
	o := bucket.PutOptions{IfNotExist: true}
	for _, size := range []int{3, 9 << 20} {
		key := fmt.Sprint(songKey, size)
		content := strings.Repeat("a", size)
		if _, err := s.b.Put(s.ctx, key, strings.NewReader(content), o); err != nil {
			s.Fatalf("put: %v", err)
		}
		_, err := s.b.Put(s.ctx, key, strings.NewReader(strings.Repeat("b", size)), o)
		s.is("second put", err, bucket.ErrExists)
		if got, _ := s.get(key, bucket.Range{}); got != content {
			s.Errorf("the second put changed the object")
		}
		if err := s.b.Delete(s.ctx, key); err != nil {
			s.Fatal(err)
		}
		if _, err := s.b.Put(s.ctx, key, strings.NewReader("c"), o); err != nil {
			s.Errorf("put after delete: %v", err)
		}
	}
	s.clean()
}

// swap replaces an object only if it is the one that is named.
func swap(s *suite) {
	over := func(etag, content string) (bucket.Info, error) {
		return s.b.Put(s.ctx, songKey, strings.NewReader(content), bucket.PutOptions{IfMatch: etag})
	}
	_, err := over("none", "a")
	s.is("put over nothing", err, bucket.ErrChanged)
	s.nothing(songKey)
	first := s.put(songKey, "first")
	second, err := over(first.ETag, "second")
	if err != nil {
		s.Fatalf("put over the first: %v", err)
	}
	_, err = over(first.ETag, "third")
	s.is("put over the first again", err, bucket.ErrChanged)
	if got, info := s.get(songKey, bucket.Range{}); got != "second" || info.ETag != second.ETag {
		s.Errorf("got %q, ETag %q, want the second, %q", got, info.ETag, second.ETag)
	}
	if err := s.b.Delete(s.ctx, songKey); err != nil {
		s.Fatal(err)
	}
	_, err = over(second.ETag, "fourth")
	s.is("put over what is gone", err, bucket.ErrChanged)
	s.nothing(songKey)
	swapRace(s)
}

// swapRace has many replace one object at once.
func swapRace(s *suite) {
	const writers = 24
	info := s.put(songKey, "before")
	var won atomic.Int32
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			_, err := s.b.Put(s.ctx, songKey, strings.NewReader(fmt.Sprint("writer ", i)), bucket.PutOptions{IfMatch: info.ETag})
			if err == nil {
				won.Add(1)
			} else {
				s.is("put", err, bucket.ErrChanged)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		s.Errorf("%d replaced the same object", won.Load())
	}
	s.clean()
}

func race(s *suite) {
	const writers = 24
	for round := range 3 {
		key := fmt.Sprintf("round %d", round)
		var mu sync.Mutex
		var winners []string
		var wg sync.WaitGroup
		for i := range writers {
			wg.Go(func() {
				content := fmt.Sprint("writer ", i)
				_, err := s.b.Put(s.ctx, key, strings.NewReader(content), bucket.PutOptions{IfNotExist: true})
				if err == nil {
					mu.Lock()
					defer mu.Unlock()
					winners = append(winners, content)
					return
				}
				s.is("put", err, bucket.ErrExists)
			})
		}
		wg.Wait()
		content, _ := s.get(key, bucket.Range{})
		if len(winners) != 1 || winners[0] != content {
			s.Errorf("winners %q, stored %q", winners, content)
		}
	}
	s.clean()
}

func random(size int) []byte {
	b := make([]byte, size)
	c := rand.NewChaCha8([32]byte{1})
	_, _ = c.Read(b)
	return b
}

func streams(s *suite) {
	content := random(12<<20 + 1)
	for _, size := range []int{0, 1, 100_000, 8<<20 - 1, 8 << 20, 8<<20 + 1, len(content)} {
		want := content[:size]
		info, err := s.b.Put(s.ctx, songKey, iotest.OneByteReader(bytes.NewReader(want[:min(size, 10)])), bucket.PutOptions{})
		if err != nil || info.Size != int64(min(size, 10)) {
			s.Fatalf("put of %d bytes: %+v, %v", min(size, 10), info, err)
		}
		info, err = s.b.Put(s.ctx, songKey, io.LimitReader(bytes.NewReader(want), int64(size)), bucket.PutOptions{ContentType: "video/webm"})
		if err != nil || info.Size != int64(size) {
			s.Fatalf("put of %d bytes: %+v, %v", size, info, err)
		}
		got, ginfo := s.get(songKey, bucket.Range{})
		if sha256.Sum256([]byte(got)) != sha256.Sum256(want) || ginfo.Size != int64(size) {
			s.Errorf("put %d bytes, got %d others", size, len(got))
		}
	}
	s.clean()
}
