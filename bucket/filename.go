package bucket

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A key is its own file name, so that people may drop, copy and look at files
// under the names they have everywhere else. Three shapes of key cannot be:
//
//   - names that begin with a dot, which are hidden and where Put's temporary
//     files live;
//   - names that programs give to files they have not finished (see
//     unfinished), which must not be listed or announced;
//   - names that an escape of one of these gives.
//
// Their first character is written as %XX, one for each of its bytes. Any other
// name with a % is itself: unescaping a name counts only when escaping the
// result gives the name again, so every key has one name and every listed name
// one key.

// escapeKey returns the file name of a key.
func escapeKey(key string) string {
	if key[0] != '.' && !unfinished(key) && unescapeName(key) == key {
		return key
	}
	_, n := utf8.DecodeRuneInString(key)
	return percent(key[:n]) + key[n:]
}

// percent writes every byte as %XX.
func percent(s string) string {
	var b strings.Builder
	for i := range len(s) {
		fmt.Fprintf(&b, "%%%02X", s[i])
	}
	return b.String()
}

// unescapeName returns the key of a file name.
func unescapeName(name string) string {
	first := make([]byte, 0, utf8.UTFMax)
	rest := name
	for len(rest) >= 3 && rest[0] == '%' && !utf8.FullRune(first) {
		b, err := strconv.ParseUint(rest[1:3], 16, 8)
		if err != nil {
			break
		}
		first, rest = append(first, byte(b)), rest[3:]
	}
	if len(first) == 0 {
		return name
	}
	if key := string(first) + rest; escapeKey(key) == name {
		return key
	}
	return name
}

// nameKey returns the key of a file found in a directory, or "" when the file
// is no object: hidden, unfinished, or not a valid key.
func nameKey(name string) string {
	key := unescapeName(name)
	if key == name && (name[0] == '.' || unfinished(name)) {
		return ""
	}
	if CheckKey(key) != nil {
		return ""
	}
	return key
}

// unfinishedSuffixes are what download managers, browsers, copy programs and
// editors put behind the name of a file they are still writing, in lower case.
var unfinishedSuffixes = []string{
	".part", ".partial", ".tmp", ".temp", ".crdownload", ".download", ".filepart",
	".opdownload", ".!ut", ".!qb", ".aria2", ".swp", ".lock", "~",
}

// unfinished tells whether a name is that of a file still being written. What
// rsync, Nextcloud and our own Put write is hidden besides.
func unfinished(name string) bool {
	lower := strings.ToLower(name)
	for _, s := range unfinishedSuffixes {
		if strings.HasSuffix(lower, s) {
			return true
		}
	}
	return strings.HasPrefix(name, "~$") // office programs' lock files
}
