package song

import "testing"

// TestSetFields: a value changes, the rest of the text stays as it was.
func TestSetFields(t *testing.T) {
	for name, c := range map[string]struct{ doc, id, want string }{
		"changed": {
			"{\n  \"parts\": [\n    {\"partId\": \"a\", \"pan\": -0.4, \"volume\": 2},\n    {\"partId\": \"b\"}\n  ]\n}\n", "a",
			"{\n  \"parts\": [\n    {\"partId\": \"a\", \"pan\": 0.25, \"volume\": 2, \"offset\": 12},\n    {\"partId\": \"b\"}\n  ]\n}\n",
		},
		"added on lines of their own": {
			"{\"parts\": [{\n\t\"partId\": \"a\",\n\t\"we\\\"ird\": [1, {\"x\": 2}]\n}]}", "a",
			"{\"parts\": [{\n\t\"partId\": \"a\",\n\t\"we\\\"ird\": [1, {\"x\": 2}],\n\t\"offset\": 12, \"pan\": 0.25\n}]}",
		},
		"another part": {
			"{\n  \"parts\": [\n    {\"partId\": \"b\"}\n  ]\n}", "a",
			"{\n  \"parts\": [\n    {\"partId\": \"b\"},\n    {\"partId\": \"a\", \"offset\": 12, \"pan\": 0.25}\n  ]\n}",
		},
		"the first part": {`{"parts": []}`, "a", `{"parts": [{"partId": "a", "offset": 12, "pan": 0.25}]}`},
		"a bare list":    {`[{"id": "a", "name": "A"}]`, "a", `[{"id": "a", "name": "A", "offset": 12, "pan": 0.25}]`},
		"by id":          {`{"parts": {"a": {"name": "A"}, "b": {}}}`, "b", `{"parts": {"a": {"name": "A"}, "b": {"offset": 12, "pan": 0.25}}}`},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := parseDocument([]byte(c.doc))
			if err != nil {
				t.Fatal(err)
			}
			got, err := d.setIn([]string{"parts"}, []string{"partId", "id"}, c.id, map[string]any{"offset": 12, "pan": 0.25})
			if err != nil || string(got) != c.want {
				t.Errorf("%v\n%s\nwant\n%s", err, got, c.want)
			}
		})
	}
	for doc, want := range map[string]string{
		`{"parts": []}`: `{"parts": [], "output": {"look":{"gamma":1.2}}}`,
		"{\n  \"output\": {\"fps\": 25},\n  \"parts\": []\n}": "{\n  \"output\": {\"fps\": 25, \"look\": {\"gamma\":1.2}},\n  \"parts\": []\n}",
		`{"output": {"look": {"gamma": 2, "x": 1}}}`:          `{"output": {"look": {"gamma":1.2}}}`,
	} {
		d, err := parseDocument([]byte(doc))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := d.setOutput("look", map[string]float64{"gamma": 1.2}); err != nil || string(got) != want {
			t.Errorf("%v\n%s\nwant\n%s", err, got, want)
		}
	}
	for _, bad := range []string{"", "{", `{"parts": 3}`, "[] []"} {
		d, err := parseDocument([]byte(bad))
		if err == nil {
			_, err = d.setIn([]string{"parts"}, []string{"partId"}, "a", nil)
		}
		if err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}
