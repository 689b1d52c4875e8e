package definition

import (
	"strings"
	"testing"
)

var rawKeys = []struct {
	key  string
	want RawKey
	bad  bool
}{
	{key: "c+s+p.webm", want: RawKey{Song{"c", "s"}, "p", "webm"}},
	{key: "c+s+p", want: RawKey{Song{"c", "s"}, "p", ""}},
	{key: "c+s+p.take.2.mov", want: RawKey{Song{"c", "s"}, "p.take.2", "mov"}},
	{key: "00choir+001k+001k0000e71.WEBM", want: RawKey{Song{"00choir", "001k"}, "001k0000e71", "WEBM"}},
	{key: "chœur+söng+pärt.m4a", want: RawKey{Song{"chœur", "söng"}, "pärt", "m4a"}},
	{key: "a choir+a song+a part.webm", want: RawKey{Song{"a choir", "a song"}, "a part", "webm"}},
	{key: "", bad: true},
	{key: "c+s", bad: true},
	{key: "c+s+p+q.webm", bad: true},
	{key: "+s+p.webm", bad: true},
	{key: "c++p.webm", bad: true},
	{key: "c+s+.webm", bad: true},
	{key: "c+s+p.", bad: true},
	{key: "c/d+s+p.webm", bad: true},
	{key: "../c+s+p.webm", bad: true},
	{key: "c+s+p\x00.webm", bad: true},
	{key: "c+s+p\xff.webm", bad: true},
	{key: "c+s+p\uffff.webm", bad: true},
	{key: "c+s+" + strings.Repeat("p", 1100), bad: true},
}

func TestParseRawKey(t *testing.T) {
	for _, c := range rawKeys {
		got, err := ParseRawKey(c.key)
		if (err != nil) != c.bad || got != c.want {
			t.Errorf("%q: %+v, %v", c.key, got, err)
		}
		if err == nil && got.String() != c.key {
			t.Errorf("%q comes back as %q", c.key, got)
		}
	}
}

func TestKeysOfAllStages(t *testing.T) {
	s := Song{"choir", "song"}
	n := NameKey{Song: s}
	for got, want := range map[string]string{
		RawKey{s, "part", "webm"}.Snapshot():              "choir+song+part.webm.jpg",
		ConvertedKey(s, "part", strings.Repeat("0a", 32)): "choir+song+part+" + strings.Repeat("0a", 16) + ".mkv",
		IngestKey(s, "part", "0b"):                        "choir+song+part+0b.ingest",
		AlignmentKey(s, "part"):                           "choir+song+part.alignment",
		FeaturesKey(s, "part", "0c"):                      "choir+song+part+0c.features",
		n.DefinitionKey():                                 "choir+song+auto.json",
		n.PreviewKey():                                    "choir+song+auto-preprod.mp4",
		n.FinalKey():                                      "choir+song+auto-final.mp4",
		SnapshotKey(n.FinalKey()):                         "choir+song+auto-final.mp4.jpg",
		CellKey{s, "00ff", "h264"}.String():               "choir+song+00ff.h264",
		RunKey{s, "auto", "1a2b", "mix.wav"}.String():     "choir+song+auto+1a2b+mix.wav",
		DocumentID(s, "part"):                             "choir:song:song:part:part",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if len(Buckets()) != 8 {
		t.Errorf("%d buckets", len(Buckets()))
	}
}

func TestNameKeysRefuse(t *testing.T) {
	for _, key := range []string{"c+s+auto.mp4", "c+s+-final.mp4", "c+s+.json", "c+auto.json", "c+s+a/b.json", "c+s+auto-final.mp4.jpg"} {
		if k, err := ParseDefinitionKey(key); err == nil {
			t.Errorf("definition %q: %+v", key, k)
		}
		if k, err := ParseFinalKey(key); err == nil {
			t.Errorf("final %q: %+v", key, k)
		}
	}
	for _, key := range []string{"c+s+xyz.h264", "c+s+00ff", "c+s+00FF.h264"} {
		if k, err := ParseCellKey(key); err == nil {
			t.Errorf("cell %q: %+v", key, k)
		}
	}
	for _, key := range []string{"c+s+p.webm", "c+s.mkv", "c+s+p+00+1.mkv", "c+s+.mkv", "c+s+p+.mkv", "c+s+p"} {
		if k, err := ParseTakeKey(key); err == nil {
			t.Errorf("converted %q: %+v", key, k)
		}
	}
}

// FuzzKeys: whatever a parser accepts comes back byte for byte.
func FuzzKeys(f *testing.F) {
	for _, c := range rawKeys {
		f.Add(c.key)
	}
	for _, k := range []string{"c+s+auto.json", "c+s+auto-preprod.mp4", "c+s+auto-final.mp4", "c+s+0f.h264", "c+s+auto+run+mix.wav", "c+s+p.alignment", "c+s+p.take.2+0f.mkv"} {
		f.Add(k)
	}
	f.Fuzz(func(t *testing.T, key string) {
		same := func(what, got string, err error) {
			if err == nil && got != key {
				t.Errorf("%s key %q comes back as %q", what, key, got)
			}
		}
		raw, err := ParseRawKey(key)
		same("raw", raw.String(), err)
		conv, err := ParseTakeKey(key)
		same("converted", conv.String(), err)
		name, err := ParseDefinitionKey(key)
		same("definition", name.DefinitionKey(), err)
		name, err = ParsePreviewKey(key)
		same("preview", name.PreviewKey(), err)
		name, err = ParseFinalKey(key)
		same("final", name.FinalKey(), err)
		cell, err := ParseCellKey(key)
		same("cell", cell.String(), err)
		run, err := ParseRunKey(key)
		same("run", run.String(), err)
	})
}

// What is named by the longest ids that are accepted is a key of a bucket still; ids
// one byte longer are refused where they come in.
func TestLongIDs(t *testing.T) {
	s := Song{Choir: ChoirID(strings.Repeat("c", 60)), Song: SongID(strings.Repeat("s", 60))}
	longest := maxIDs - 2*60 - 2
	part := PartID(strings.Repeat("p", longest))
	raw, err := ParseRawKey(RawKey{s, part, strings.Repeat("x", maxKey-len(".jpg")-maxIDs-1)}.String())
	if err != nil {
		t.Fatal(err)
	}
	n, err := ParseDefinitionKey(NameKey{s, string(part)}.DefinitionKey())
	if err != nil {
		t.Fatal(err)
	}
	hash := strings.Repeat("0a", 32)
	for _, key := range []string{
		raw.Snapshot(), IngestKey(s, part, hash) + ".json", FeaturesKey(s, part, hash), AlignmentKey(s, part),
		CellKey{s, TakeHash(hash), "h264"}.String() + ".json",
		n.PreviewKey(), n.GrowingKey(), SnapshotKey(n.FinalKey()),
		RunKey{s, n.Name, hash[:16], hash[:12] + "-10000.m4s"}.String(),
	} {
		if len(key) > maxKey {
			t.Errorf("%q has %d bytes, at most %d", key, len(key), maxKey)
		}
	}
	for _, err := range []error{
		CheckPart(s, part+"p"),
		CheckSong(Song{s.Choir, SongID(strings.Repeat("s", maxIDs))}),
		second(ParseRawKey(RawKey{s, part + "p", "webm"}.String())),
		second(ParseRawKey(RawKey{s, part, strings.Repeat("x", maxKey-len(".jpg")-maxIDs)}.String())),
		second(ParseDefinitionKey(NameKey{s, string(part) + "p"}.DefinitionKey())),
	} {
		if err == nil || !strings.Contains(err.Error(), "at most") {
			t.Errorf("ids that are too long: %v", err)
		}
	}
	for _, err := range []error{CheckPart(s, part), CheckSong(s)} {
		if err != nil {
			t.Error(err)
		}
	}
}

func second[T any](_ T, err error) error { return err }
