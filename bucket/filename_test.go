package bucket

import (
	"testing"
)

func TestFileNames(t *testing.T) {
	for _, test := range []struct{ key, name string }{
		{"choir+song+part.webm", "choir+song+part.webm"},
		{"100% a?b#c:d", "100% a?b#c:d"},
		{".x", "%2Ex"},
		{"%2Ex", "%252Ex"},
		{"%252Ex", "%25252Ex"},
		{"%41", "%41"},
		{"x.part", "%78.part"},
		{"%78.part", "%2578.part"},
		{"é~", "%C3%A9~"},
	} {
		if name := escapeKey(test.key); name != test.name {
			t.Errorf("file name of %q: %q, want %q", test.key, name, test.name)
		}
		if key := nameKey(test.name); key != test.key {
			t.Errorf("key of %q: %q, want %q", test.name, key, test.key)
		}
	}
	for _, name := range []string{
		".x", "x.part", "x.PART", "x~", "~$x.docx", ".goutputstream-AB12", "x.webm.tmp", ".choir-put-ABC",
		"new\nline", "\xff", "x.crdownload",
	} {
		if key := nameKey(name); key != "" {
			t.Errorf("key of %q: %q, want none", name, key)
		}
	}
}

// FuzzFileNames: every key has a name that is a file's, and the name its key.
func FuzzFileNames(f *testing.F) {
	for _, s := range []string{"a", ".a", "%2Ea", "%25%25%252Ea.part", "é.part", "~", "%", "%F0%9F%8E%B5~"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if CheckKey(s) == nil {
			name := escapeKey(s)
			if len(name) > 255 || name[0] == '.' || nameKey(name) != s {
				t.Errorf("key %q: name %q, back %q", s, name, nameKey(name))
			}
		}
		if s == "" {
			return
		}
		if key := nameKey(s); key != "" && escapeKey(key) != s {
			t.Errorf("name %q: key %q, back %q", s, key, escapeKey(key))
		}
	})
}
