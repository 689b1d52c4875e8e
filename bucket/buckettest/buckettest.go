// Package buckettest holds every bucket.Bucket to the contract: the cases are
// the numbered list of its doc comment.
package buckettest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/choirless/render/bucket"
)

// Options say what a suite run is to open.
type Options struct {
	// Open returns a new, empty bucket.
	Open func(t *testing.T) bucket.Bucket
	// Leftovers returns what of unfinished Puts is left in a bucket; nil when
	// there is no way to tell.
	Leftovers func(t *testing.T, b bucket.Bucket) []string
}

// Run runs the suite.
func Run(t *testing.T, o Options) {
	cases := []struct {
		name string
		run  func(*suite)
	}{
		{"01 keys", keys},
		{"01 refused keys", refused},
		{"02 replace", replace},
		{"02 readers see old or new", atomicity},
		{"03 failed reader", failed},
		{"03 cancelled", cancelled},
		{"04 if not exist", exclusive},
		{"04 race", race},
		{"05 streams", streams},
		{"06 ranges", ranges},
		{"07 missing", missing},
		{"08 list", list},
		{"08 long list", longList},
		{"09 delete", remove},
		{"10 etag", etag},
		{"open", open},
		{"open leaps", openLeaps},
		{"open changed", openChanged},
	}
	for _, c := range cases {
		t.Run(strings.ReplaceAll(c.name, " ", "_"), func(t *testing.T) {
			c.run(&suite{T: t, b: o.Open(t), o: o, ctx: t.Context()})
		})
	}
}

// suite is one case under way.
type suite struct {
	*testing.T
	b   bucket.Bucket
	o   Options
	ctx context.Context
}

// songKey is shaped as the keys of this service are.
const songKey = "001jchoir+001jsong+001jpart.webm"

// oddKeys hold what has been lost on the way before. The last ones are what a
// directory has to write differently.
var oddKeys = []string{
	songKey, "a b", "a%2Bb", "a+b", "100%", "what?x=1&y=2", "#1", "a:b;c,d@e=f$g!", "ünïcödé 合唱 🎵",
	`quotes"and'back\slash`, "<tag>", "*[a]{b}|^~`", "trailing.", " space ", "-dash", "~", "%", "%2", "%zz",
	strings.Repeat("k", bucket.MaxKey),
	".hidden", ".choir-put-x", "file.part", "file~", "é.tmp", "🎵~", "%2Ehidden", "%252Ehidden", "%66ile.part", "~$x",
}

func (s *suite) put(key, content string) bucket.Info {
	s.Helper()
	info, err := s.b.Put(s.ctx, key, strings.NewReader(content), bucket.PutOptions{})
	if err != nil {
		s.Fatalf("put: %v", err)
	}
	return info
}

func (s *suite) get(key string, rng bucket.Range) (string, bucket.Info) {
	s.Helper()
	r, info, err := s.b.Get(s.ctx, key, rng)
	if err != nil {
		s.Fatalf("get: %v", err)
	}
	content, err := io.ReadAll(r)
	if err := errors.Join(err, r.Close()); err != nil {
		s.Fatalf("read %q: %v", key, err)
	}
	return string(content), info
}

func (s *suite) is(what string, err, want error) {
	s.Helper()
	if !errors.Is(err, want) {
		s.Errorf("%s: %v, want %v", what, err, want)
	}
}

// listed returns the keys with a prefix.
func (s *suite) listed(prefix string) []string {
	s.Helper()
	var keys []string
	for info, err := range s.b.List(s.ctx, prefix) {
		if err != nil {
			s.Fatalf("list: %v", err)
		}
		keys = append(keys, info.Key)
	}
	return keys
}

// nothing fails when there is an object under key, or a part of one anywhere.
func (s *suite) nothing(key string) {
	s.Helper()
	_, err := s.b.Stat(s.ctx, key)
	s.is("stat", err, bucket.ErrNotFound)
	if keys := s.listed(""); len(keys) > 0 {
		s.Errorf("listed: %q", keys)
	}
	s.clean()
}

func (s *suite) clean() {
	s.Helper()
	if s.o.Leftovers != nil {
		if left := s.o.Leftovers(s.T, s.b); len(left) > 0 {
			s.Errorf("left over: %q", left)
		}
	}
}

func keys(s *suite) {
	for i, key := range oddKeys {
		s.put(key, fmt.Sprint(i))
	}
	for i, key := range oddKeys {
		content, info := s.get(key, bucket.Range{})
		if content != fmt.Sprint(i) || info.Key != key {
			s.Errorf("%q: got %q of %q, want %d", key, content, info.Key, i)
		}
	}
	want := slices.Clone(oddKeys)
	slices.Sort(want)
	if got := s.listed(""); !slices.Equal(got, want) {
		s.Errorf("listed %q\nwant   %q", got, want)
	}
	for _, key := range oddKeys {
		if err := s.b.Delete(s.ctx, key); err != nil {
			s.Errorf("delete %q: %v", key, err)
		}
	}
	if got := s.listed(""); len(got) > 0 {
		s.Errorf("after delete: %q", got)
	}
}

func refused(s *suite) {
	for _, key := range []string{
		"", "a/b", "/", "..", ".", "nul\x00", "line\n", "\xff", strings.Repeat("k", bucket.MaxKey+1),
	} {
		if _, err := s.b.Put(s.ctx, key, strings.NewReader(""), bucket.PutOptions{}); err == nil {
			s.Errorf("put %q", key)
		}
		_, _, err := s.b.Get(s.ctx, key, bucket.Range{})
		_, serr := s.b.Stat(s.ctx, key)
		if err == nil || serr == nil || s.b.Delete(s.ctx, key) == nil {
			s.Errorf("get, stat or delete %q", key)
		}
	}
}

func replace(s *suite) {
	s.put(songKey, "first")
	s.put(songKey, "2nd")
	if content, info := s.get(songKey, bucket.Range{}); content != "2nd" || info.Size != 3 {
		s.Errorf("got %q of %d bytes, want %q", content, info.Size, "2nd")
	}
	s.clean()
}

// atomicity reads one object while two writers replace it.
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

// failed has the reader fail, before and after the first part is sent.
func failed(s *suite) {
	broken := errors.New("broken")
	for _, size := range []int{0, 1000, 9 << 20} {
		r := io.MultiReader(bytes.NewReader(make([]byte, size)), iotest.ErrReader(broken))
		_, err := s.b.Put(s.ctx, songKey, r, bucket.PutOptions{})
		s.is("put", err, broken)
		s.nothing(songKey)
	}
}

// cancelReader cancels a context after so many bytes of an endless content.
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

// race has many store at once, each its own content; who is told to have
// stored must find its own.
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

// random returns content that does not repeat.
func random(size int) []byte {
	b := make([]byte, size)
	c := rand.NewChaCha8([32]byte{1})
	_, _ = c.Read(b)
	return b
}

// streams puts readers that cannot seek, of lengths around those that are sent
// in one piece or in parts.
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

// longList is more than one page of S3, which has 1000.
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

// open reads an object through with small and large reads.
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

// openLeaps reads in leaps, against the same content in memory.
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

// openChanged replaces an object while it is read: the rest is that of the old
// one, or an error.
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
