package definition

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
)

type schemaNode struct {
	AdditionalProperties *bool
	Properties           map[string]schemaNode
	Defs                 map[string]schemaNode `json:"$defs"`
	Items                *schemaNode
	Minimum, Maximum     *float64
	Enum                 []any
	Default              any
	MaxItems             *int
}

func readSchema(t *testing.T) schemaNode {
	t.Helper()
	var s schemaNode
	if err := json.Unmarshal(Schema(), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// tags returns the JSON names of a type's fields.
func tags(v any) []string {
	var out []string
	for i := range reflect.TypeOf(v).NumField() {
		name, _, _ := strings.Cut(reflect.TypeOf(v).Field(i).Tag.Get("json"), ",")
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

func TestSchemaHasTheFieldsOfTheTypes(t *testing.T) {
	s := readSchema(t)
	for name, c := range map[string]struct {
		node schemaNode
		typ  any
	}{"definition": {s, Definition{}}, "output": {s.Defs["output"], Output{}}, "input": {s.Defs["input"], Input{}}} {
		var props []string
		for k := range c.node.Properties {
			props = append(props, k)
		}
		slices.Sort(props)
		if want := tags(c.typ); !slices.Equal(props, want) {
			t.Errorf("%s: schema has %v, the type %v", name, props, want)
		}
		if c.node.AdditionalProperties == nil || *c.node.AdditionalProperties {
			t.Errorf("%s: schema allows unknown fields", name)
		}
	}
}

func TestSchemaHasTheBounds(t *testing.T) {
	s := readSchema(t)
	seen := 0
	for prefix, node := range map[string]schemaNode{"output.": s.Defs["output"], "inputs[].": s.Defs["input"]} {
		for name, p := range node.Properties {
			if p.Items != nil {
				p = *p.Items
			}
			b, bounded := Bounds()[prefix+name]
			if bounded != (p.Minimum != nil && p.Maximum != nil) {
				t.Errorf("%s%s: bounded in one place only", prefix, name)
				continue
			}
			if bounded {
				seen++
				if *p.Minimum != b.Lo || *p.Maximum != b.Hi {
					t.Errorf("%s%s: schema %g to %g, Bounds %g to %g", prefix, name, *p.Minimum, *p.Maximum, b.Lo, b.Hi)
				}
			}
		}
	}
	if seen != len(Bounds()) {
		t.Errorf("%d bounds in the schema, %d in the code", seen, len(Bounds()))
	}
	if m := s.Properties["inputs"].MaxItems; m == nil || *m != MaxInputs {
		t.Errorf("inputs: want at most %d", MaxInputs)
	}
}

func TestSchemaHasTheWordsAndDefaults(t *testing.T) {
	s := readSchema(t)
	words := map[string]any{
		"span": spans, "pan_law": panLaws, "balance": balances, "fit": fits,
	}
	var defaults map[string]any
	b, _ := json.Marshal(Defaults())
	if err := json.Unmarshal(b, &defaults); err != nil {
		t.Fatal(err)
	}
	for name, p := range s.Defs["output"].Properties {
		if w, ok := words[name]; ok {
			got, _ := json.Marshal(p.Enum)
			want, _ := json.Marshal(w)
			if string(got) != string(want) {
				t.Errorf("output.%s: schema has %s, the code %s", name, got, want)
			}
		}
		if !reflect.DeepEqual(p.Default, defaults[name]) {
			t.Errorf("output.%s: schema's default is %v, the code's %v", name, p.Default, defaults[name])
		}
	}
	kinds, _ := json.Marshal(Kinds())
	if got, _ := json.Marshal(s.Defs["input"].Properties["part_type"].Enum); string(got) != string(kinds) {
		t.Errorf("part_type: %s", got)
	}
}
