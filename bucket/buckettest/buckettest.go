// Package buckettest holds every bucket.Bucket to the contract: the cases are
// the numbered list of its doc comment.
package buckettest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

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
		{"04 if match", swap},
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
		_, put := s.b.Put(s.ctx, key, strings.NewReader(""), bucket.PutOptions{})
		_, _, get := s.b.Get(s.ctx, key, bucket.Range{})
		_, stat := s.b.Stat(s.ctx, key)
		for _, err := range []error{put, get, stat, s.b.Delete(s.ctx, key)} {
			if !errors.Is(err, bucket.ErrKey) {
				s.Errorf("put, get, stat or delete %q: %v, want %v", key, err, bucket.ErrKey)
			}
		}
	}
}

// atomicity reads one object while two writers replace it.
// failed has the reader fail, before and after the first part is sent.
// cancelReader cancels a context after so many bytes of an endless content.
// race has many store at once, each its own content; who is told to have
// stored must find its own.
// random returns content that does not repeat.
// streams puts readers that cannot seek, of lengths around those that are sent
// in one piece or in parts.
// longList is more than one page of S3, which has 1000.
// open reads an object through with small and large reads.
// openLeaps reads in leaps, against the same content in memory.
// openChanged replaces an object while it is read: the rest is that of the old
// one, or an error.
