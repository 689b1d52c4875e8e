package definition

import (
	"fmt"
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
//	converted    choir+song+part.mkv, choir+song+part.features,
//	             choir+song+<backing's part>.alignment
//	definition   choir+song+name.json
//	final-parts  choir+song+<hash>.h264 (cell), .wav (sound): content-addressed
//	             choir+song+name+run+<what>: belongs to one run
//	preview      choir+song+name-preprod.mp4
//	             choir+song+name-growing.m3u8 and what it names: choir+song+name+run+<what>
//	final        choir+song+name-final.mp4

// AutoName is the name of the definition that is made without being asked for.
const AutoName = "auto"

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
	f, err := split("raw", key, 3)
	if err != nil {
		return RawKey{}, err
	}
	k := RawKey{Song: f.song()}
	part, ext := f[2], ""
	if i := strings.LastIndexByte(part, '.'); i >= 0 {
		part, ext = part[:i], part[i+1:]
		if ext == "" {
			return RawKey{}, keyError("raw", key, "ends in a dot")
		}
	}
	if part == "" {
		return RawKey{}, keyError("raw", key, "empty part id")
	}
	k.Part, k.Ext = PartID(part), ext
	return k, nil
}

// SnapshotKey returns the key, in the snapshots bucket, of the picture of a raw or
// final object.
func SnapshotKey(key string) string { return key + snapshotExt }

// ConvertedKey names a part in the common format, in the converted bucket.
func ConvertedKey(s Song, part PartID) string { return withExt(join(s, string(part)), "mkv") }

// FeaturesKey names the alignment features of a part, in the converted bucket.
func FeaturesKey(s Song, part PartID) string { return withExt(join(s, string(part)), "features") }

// AlignmentKey names where the parts of a song belong, in the converted bucket,
// by the part whose time is the song's.
func AlignmentKey(s Song, backing PartID) string {
	return withExt(join(s, string(backing)), "alignment")
}

// ParseConvertedKey reads a key of the converted bucket: the part it belongs to
// and the extension, "mkv", "features" or "alignment".
func ParseConvertedKey(key string) (RawKey, error) {
	k, err := ParseRawKey(key)
	if err != nil {
		return k, fmt.Errorf("converted: %w", err)
	}
	if k.Ext != "mkv" && k.Ext != "features" && k.Ext != "alignment" {
		return RawKey{}, keyError("converted", key, "want the extension mkv, features or alignment")
	}
	return k, nil
}

// NameKey names an object that belongs to one definition of a song: the
// definition itself, the preview, the final.
type NameKey struct {
	Song
	Name string
}

// DefinitionKey returns the key in the definition bucket. Without a name it is AutoName's.
func (k NameKey) DefinitionKey() string { return withExt(join(k.Song, k.name()), definitionExt) }

// PreviewKey returns the key in the preview bucket.
func (k NameKey) PreviewKey() string { return join(k.Song, k.name()) + previewSuffix }

// GrowingKey returns the key, in the preview bucket, of the playlist of the song
// so far.
func (k NameKey) GrowingKey() string { return join(k.Song, k.name()) + growingSuffix }

// FinalKey returns the key in the final bucket.
func (k NameKey) FinalKey() string { return join(k.Song, k.name()) + finalSuffix }

func (k NameKey) name() string {
	if k.Name == "" {
		return AutoName
	}
	return k.Name
}

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
	return NameKey{Song: f.song(), Name: name}, nil
}

// CellKey names a content-addressed object in the final-parts bucket: the hash of
// all that shapes it, so that two runs that want the same cell share it.
type CellKey struct {
	Song
	Hash string // lower-case hex
	Ext  string // "h264" or "wav"
}

// String returns the object key.
func (k CellKey) String() string { return withExt(join(k.Song, k.Hash), k.Ext) }

// ParseCellKey reads choir+song+hash.ext.
func ParseCellKey(key string) (CellKey, error) {
	r, err := ParseRawKey(key)
	if err != nil {
		return CellKey{}, fmt.Errorf("final-parts: %w", err)
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
	f, err := split("final-parts", key, 5)
	if err != nil {
		return RunKey{}, err
	}
	return RunKey{Song: f.song(), Name: f[2], Run: f[3], What: f[4]}, nil
}

// CheckID reports why s cannot stand in an object key as the named thing: it is
// empty, or holds '+', '/' or a control character, or is not UTF-8.
func CheckID(what, s string) error {
	switch {
	case s == "":
		return fmt.Errorf("%s: empty", what)
	case !utf8.ValidString(s):
		return fmt.Errorf("%s %q: not UTF-8", what, s)
	case strings.ContainsAny(s, "+/"):
		return fmt.Errorf("%s %q: holds '+' or '/', which separate ids in keys", what, s)
	case strings.ContainsFunc(s, unicode.IsControl):
		return fmt.Errorf("%s %q: holds a control character", what, s)
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
