package definition

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Object keys join ids with '+'. In events they arrive url-encoded: decode first
// (url.QueryUnescape; '+' travels as %2B). For every Parse function here, a key
// that is accepted is given back byte for byte by String.
//
//	bucket       key
//	raw          choir+song+part.ext
//	snapshots    <raw key>.jpg, <final key>.jpg
//	converted    choir+song+part+<hash>.mkv, .features: named by the content of the
//	             former, so that a new recording replaces nothing
//	             choir+song+part+<key>.ingest: the note about an ingest
//	             choir+song+<backing's part>.alignment
//	definition   choir+song+name.json
//	final-parts  choir+song+<hash>.h264 (cell), .wav (sound), .aac (mastered sound):
//	             content-addressed
//	preview      choir+song+name-preprod.mp4
//	             choir+song+name-growing.m3u8 and what it names: choir+song+name+run+<what>
//	final        choir+song+name-final.mp4

// AutoName is the name of the definition that is made without being asked for.
const AutoName = "auto"

// NameOr is a definition's name, AutoName where none is said.
func NameOr(name string) string { return cmp.Or(name, AutoName) }

const (
	previewSuffix = "-preprod.mp4"
	growingSuffix = "-growing.m3u8"
	finalSuffix   = "-final.mp4"
	definitionExt = "json"
	snapshotExt   = ".jpg"
)

// maxKey is the longest key a bucket takes, in bytes: a file name holds 255, and
// a directory bucket needs a few for itself.
const maxKey = 240

// maxIDs is how long choir, song, and part or definition, joined by '+', may be in
// bytes. The longest names made of them are those of the note about an ingest,
// ids+<32 digits>.ingest.json, and of a growing preview's segments.
const maxIDs = maxKey - len("+0123456789abcdef0123456789abcdef.ingest.json")

// RawKey names an upload. Ext has no dot and may be empty.
type RawKey struct {
	Song
	Part PartID
	Ext  string
}

// String returns the object key.
func (k RawKey) String() string { return withExt(join(k.Song, string(k.Part)), k.Ext) }

// Snapshot returns the key of the part's picture in the snapshots bucket.
func (k RawKey) Snapshot() string { return SnapshotKey(k.String()) }

// ParseRawKey reads choir+song+part.ext, with any extension or none.
func ParseRawKey(key string) (RawKey, error) {
	k, err := parseRaw("raw", key)
	if err != nil {
		return RawKey{}, err
	}
	if err := CheckPart(k.Song, k.Part); err != nil {
		return RawKey{}, keyError("raw", key, err.Error())
	}
	if longest := maxKey - len(snapshotExt); len(key) > longest {
		return RawKey{}, keyError("raw", key, fmt.Sprintf("%d bytes, at most %d", len(key), longest))
	}
	return k, nil
}

func parseRaw(what, key string) (RawKey, error) {
	f, err := split(what, key, 3)
	if err != nil {
		return RawKey{}, err
	}
	k := RawKey{Song: f.song()}
	part, ext := f[2], ""
	if i := strings.LastIndexByte(part, '.'); i >= 0 {
		part, ext = part[:i], part[i+1:]
		if ext == "" {
			return RawKey{}, keyError(what, key, "ends in a dot")
		}
	}
	if part == "" {
		return RawKey{}, keyError(what, key, "empty part id")
	}
	k.Part, k.Ext = PartID(part), ext
	return k, nil
}

// SnapshotKey returns the key, in the snapshots bucket, of the picture of a raw or
// final object.
func SnapshotKey(key string) string { return key + snapshotExt }

// takeHash is how many digits of a SHA-256 stand in the key of a converted part: as
// many as in that of a cell.
const takeHash = 32

// ConvertedKey names a part in the common format, in the converted bucket. The
// SHA-256 of its content, in hex, is part of the name: whoever was told of a
// recording gets that one or none, however often the part is recorded again.
func ConvertedKey(s Song, part PartID, sha256 string) string { return take(s, part, sha256, "mkv") }

// FeaturesKey names the alignment features of a part, in the converted bucket;
// sha256 is that of the converted part.
func FeaturesKey(s Song, part PartID, sha256 string) string { return take(s, part, sha256, "features") }

// IngestKey names the reading of one recording, by the key of its assignment, in
// the converted bucket. Only a note about it lies there.
func IngestKey(s Song, part PartID, key string) string { return take(s, part, key, "ingest") }

func take(s Song, part PartID, hash, ext string) string {
	return withExt(join(s, string(part), TakeHash(hash)), ext)
}

// TakeHash is as much of a SHA-256 in hex as stands in the key of a converted part.
func TakeHash(sha256 string) string { return sha256[:min(takeHash, len(sha256))] }

// AlignmentKey names where the parts of a song belong, in the converted bucket,
// by the part whose time is the song's.
func AlignmentKey(s Song, backing PartID) string {
	return withExt(join(s, string(backing)), "alignment")
}

// TakeKey names an object of the converted bucket.
type TakeKey struct {
	Song
	Part PartID
	// Hash is 32 digits of a SHA-256, or the key of an ingest; empty for where the
	// parts belong, and for what was named by the part alone, as it once was.
	Hash string
	Ext  string // "mkv", "features", "ingest" or "alignment"
}

// String returns the object key.
func (k TakeKey) String() string {
	if k.Hash == "" {
		return withExt(join(k.Song, string(k.Part)), k.Ext)
	}
	return withExt(join(k.Song, string(k.Part), k.Hash), k.Ext)
}

// ParseTakeKey reads a key of the converted bucket.
func ParseTakeKey(key string) (TakeKey, error) {
	rest, ext, ok := cutLast(key, '.')
	if !ok || !slices.Contains([]string{"mkv", "features", "ingest", "alignment"}, ext) {
		return TakeKey{}, keyError("converted", key, "want the extension mkv, features, ingest or alignment")
	}
	n := min(max(strings.Count(key, "+")+1, 3), 4)
	f, err := split("converted", rest, n)
	if err != nil {
		return TakeKey{}, err
	}
	k := TakeKey{Song: f.song(), Part: PartID(f[2]), Ext: ext}
	if n == 4 {
		k.Hash = f[3]
	}
	return k, nil
}

func cutLast(s string, sep byte) (before, after string, found bool) {
	if i := strings.LastIndexByte(s, sep); i >= 0 {
		return s[:i], s[i+1:], true
	}
	return s, "", false
}

// NameKey names an object that belongs to one definition of a song: the
// definition itself, the preview, the final.
type NameKey struct {
	Song
	Name string
}

// DefinitionKey returns the key in the definition bucket. Without a name it is AutoName's.
func (k NameKey) DefinitionKey() string { return withExt(join(k.Song, NameOr(k.Name)), definitionExt) }

// PreviewKey returns the key in the preview bucket.
func (k NameKey) PreviewKey() string { return join(k.Song, NameOr(k.Name)) + previewSuffix }

// GrowingKey returns the key, in the preview bucket, of the playlist of the song
// so far.
func (k NameKey) GrowingKey() string { return join(k.Song, NameOr(k.Name)) + growingSuffix }

// FinalKey returns the key in the final bucket.
func (k NameKey) FinalKey() string { return join(k.Song, NameOr(k.Name)) + finalSuffix }

// ParseDefinitionKey reads choir+song+name.json.
func ParseDefinitionKey(key string) (NameKey, error) {
	return parseName("definition", key, "."+definitionExt)
}

// ParsePreviewKey reads choir+song+name-preprod.mp4.
func ParsePreviewKey(key string) (NameKey, error) { return parseName("preview", key, previewSuffix) }

// ParseGrowingKey reads choir+song+name-growing.m3u8.
func ParseGrowingKey(key string) (NameKey, error) { return parseName("preview", key, growingSuffix) }

// ParseFinalKey reads choir+song+name-final.mp4.
func ParseFinalKey(key string) (NameKey, error) { return parseName("final", key, finalSuffix) }

func parseName(what, key, suffix string) (NameKey, error) {
	f, err := split(what, key, 3)
	if err != nil {
		return NameKey{}, err
	}
	name, ok := strings.CutSuffix(f[2], suffix)
	if !ok || name == "" {
		return NameKey{}, keyError(what, key, fmt.Sprintf("want choir+song+name%s", suffix))
	}
	if err := checkIDs(f.song(), name); err != nil {
		return NameKey{}, keyError(what, key, err.Error())
	}
	return NameKey{Song: f.song(), Name: name}, nil
}

// CellKey names a content-addressed object in the final-parts bucket: the hash of
// all that shapes it, so that two runs that want the same cell share it.
type CellKey struct {
	Song
	Hash string // lower-case hex
	Ext  string // "h264", "wav" or "aac"
}

// String returns the object key.
func (k CellKey) String() string { return withExt(join(k.Song, k.Hash), k.Ext) }

// ParseCellKey reads choir+song+hash.ext.
func ParseCellKey(key string) (CellKey, error) {
	r, err := parseRaw("final-parts", key)
	if err != nil {
		return CellKey{}, err
	}
	hash := string(r.Part)
	if strings.Trim(hash, "0123456789abcdef") != "" || r.Ext == "" {
		return CellKey{}, keyError("final-parts", key, "want choir+song+<hex>.<ext>")
	}
	return CellKey{Song: r.Song, Hash: hash, Ext: r.Ext}, nil
}

// RunKey names an object that belongs to one run of one definition, such as a
// segment of its growing preview.
type RunKey struct {
	Song
	Name string // of the definition
	Run  string
	What string // with its extension, such as "master.wav"
}

// String returns the object key.
func (k RunKey) String() string { return join(k.Song, k.Name, k.Run, k.What) }

// ParseRunKey reads choir+song+name+run+what.
func ParseRunKey(key string) (RunKey, error) {
	f, err := split("preview", key, 5)
	if err != nil {
		return RunKey{}, err
	}
	return RunKey{Song: f.song(), Name: f[2], Run: f[3], What: f[4]}, nil
}

// CheckID reports why s cannot stand in an object key as the named thing: it is
// empty or too long, holds '+', '/', a control character or one that no queue takes, or
// is not UTF-8.
func CheckID(what, s string) error {
	switch {
	case s == "":
		return fmt.Errorf("%s: empty", what)
	case len(s) > maxIDs:
		return fmt.Errorf("%s: %d bytes, at most %d", what, len(s), maxIDs)
	case !utf8.ValidString(s):
		return fmt.Errorf("%s %q: not UTF-8", what, s)
	case strings.ContainsAny(s, "+/"):
		return fmt.Errorf("%s %q: holds '+' or '/', which separate ids in keys", what, s)
	case strings.ContainsFunc(s, unicode.IsControl):
		return fmt.Errorf("%s %q: holds a control character", what, s)
	case strings.ContainsAny(s, "\uFFFE\uFFFF"):
		return fmt.Errorf("%s %q: holds U+FFFE or U+FFFF, which are no characters", what, s)
	}
	return nil
}

// CheckSong reports why nothing can be named by a song: an id that CheckID refuses, or
// ids that are too long together.
func CheckSong(s Song) error {
	if err := CheckID("choir id", string(s.Choir)); err != nil {
		return err
	}
	if err := CheckID("song id", string(s.Song)); err != nil {
		return err
	}
	return checkIDs(s)
}

// CheckPart is CheckSong for a part of the song.
func CheckPart(s Song, part PartID) error {
	if err := CheckSong(s); err != nil {
		return err
	}
	if err := CheckID("part id", string(part)); err != nil {
		return err
	}
	return checkIDs(s, string(part))
}

func checkIDs(s Song, rest ...string) error {
	if n := len(join(s, rest...)); n > maxIDs {
		return fmt.Errorf("ids of %d bytes together, at most %d", n, maxIDs)
	}
	return nil
}

// fields are the ids of a key.
type fields []string

func (f fields) song() Song { return Song{Choir: ChoirID(f[0]), Song: SongID(f[1])} }

func split(what, key string, n int) (fields, error) {
	if len(key) > maxKey {
		return nil, keyError(what, key[:40]+"…", fmt.Sprintf("%d bytes, at most %d", len(key), maxKey))
	}
	f := strings.Split(key, "+")
	if len(f) != n {
		return nil, keyError(what, key, fmt.Sprintf("%d fields joined by '+', want %d", len(f), n))
	}
	names := []string{"choir id", "song id", "name", "run id", "name"}
	for i, s := range f {
		if err := CheckID(names[i], s); err != nil {
			return nil, keyError(what, key, err.Error())
		}
	}
	return f, nil
}

func join(s Song, rest ...string) string {
	return strings.Join(append([]string{string(s.Choir), string(s.Song)}, rest...), "+")
}

func withExt(s, ext string) string {
	if ext == "" {
		return s
	}
	return s + "." + ext
}

func keyError(bucket, key, text string) error {
	return fmt.Errorf("%s key %q: %s", bucket, key, text)
}
