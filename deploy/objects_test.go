package deploy

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/choirless/render/definition"
)

// TestObjects: objects.md has a row for every bucket, with the keys that the code makes,
// the writers that the template lets write, and the days that it keeps objects.
func TestObjects(t *testing.T) {
	text, err := os.ReadFile("objects.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string][]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\|(.*)\\|(.*)\\|(.*)\\|$").FindAllStringSubmatch(string(text), -1) {
		rows[m[1]] = m[2:]
	}
	song := definition.Song{Choir: "<choir>", Song: "<song>"}
	raw := definition.RawKey{Song: song, Part: "<part>", Ext: "<ext>"}
	name := definition.NameKey{Song: song, Name: "<name>"}
	keys := map[string][]string{
		definition.BucketRaw:       {raw.String()},
		definition.BucketSnapshots: {raw.Snapshot(), definition.SnapshotKey(name.FinalKey())},
		definition.BucketConverted: {
			definition.ConvertedKey(song, "<part>", "<hash>"), definition.IngestKey(song, "<part>", "<key>") + ".json",
			definition.AlignmentKey(song, "<part>"),
		},
		definition.BucketDefinition: {name.DefinitionKey()},
		definition.BucketFinalParts: {definition.CellKey{Song: song, Hash: "<hash>", Ext: "h264"}.String()},
		definition.BucketPreview: {
			name.PreviewKey(), name.GrowingKey(), definition.RunKey{Song: song, Name: "<name>", Run: "<run>", What: "<what>"}.String(),
		},
		definition.BucketFinal: {name.FinalKey()},
		definition.BucketMisc:  nil,
	}
	doc, _ := load(t)
	for _, role := range definition.Buckets() {
		row, ok := rows[role]
		if !ok {
			t.Errorf("no row for %s", role)
			continue
		}
		for _, key := range keys[role] {
			if !strings.Contains(row[0], "`"+key+"`") {
				t.Errorf("%s: no key `%s`", role, key)
			}
		}
		for _, who := range []string{"Coordinator", "Node", "Uploader"} {
			may := slices.ContainsFunc(policy(t, doc, who), func(s statement) bool {
				return slices.Contains(s.actions, "s3:PutObject") && slices.Contains(s.resources, role+"/*")
			})
			if said := strings.Contains(row[1], strings.ToLower(who)); said != may {
				t.Errorf("%s: written by %s: %v, the template says %v", role, who, said, may)
			}
		}
		if want := expires(t, doc, role); !strings.Contains(row[2], want) || (want == "") != strings.Contains(row[2], "for ever") {
			t.Errorf("%s: stays%s, the template says %q", role, row[2], want)
		}
	}
}

// expires is how long the template keeps the objects of a bucket, "" for ever.
func expires(t *testing.T, doc document, role string) string {
	t.Helper()
	for _, r := range doc.Resources {
		if r.Type != "AWS::S3::Bucket" || r.Properties["BucketName"].(map[string]any)["Fn::Sub"] != "${Prefix}"+role {
			continue
		}
		for _, rule := range r.Properties["LifecycleConfiguration"].(map[string]any)["Rules"].([]any) {
			if days, ok := rule.(map[string]any)["ExpirationInDays"]; ok {
				return fmt.Sprint(days, " days")
			}
		}
		return ""
	}
	t.Fatalf("no bucket for %s", role)
	return ""
}
