package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// readChange reads a patch (RFC 7396) of an object.
func readChange(body []byte) (map[string]any, error) {
	var change map[string]any
	if err := json.Unmarshal(body, &change); err != nil {
		return nil, badRequest{err}
	}
	if change == nil {
		return nil, badRequest{errors.New("null, want an object")}
	}
	return change, nil
}

// rename makes the fields of a change have the names that they are stored under, where
// names says of which other they are a spelling.
func rename(change map[string]any, names map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(change)) {
		stored := names[name]
		if stored == "" || stored == name {
			continue
		}
		if _, both := change[stored]; both {
			return badRequest{fmt.Errorf("%s: the same as %s, which is there too", name, stored)}
		}
		change[stored] = change[name]
		delete(change, name)
	}
	return nil
}

// merge changes the fields of an object that change names, and those of the objects in
// it; null takes one back.
func merge(object []byte, change map[string]any) ([]byte, error) {
	fields := map[string]any{}
	if len(object) > 0 {
		if err := json.Unmarshal(object, &fields); err != nil {
			return nil, err
		}
	}
	return json.Marshal(mergePatch(fields, change))
}

// mergePatch is MergePatch of RFC 7396, section 2, for a patch that is an object.
func mergePatch(target any, patch map[string]any) map[string]any {
	fields, ok := target.(map[string]any)
	if !ok {
		fields = map[string]any{}
	}
	for name, value := range patch {
		switch v := value.(type) {
		case nil:
			delete(fields, name)
		case map[string]any:
			fields[name] = mergePatch(fields[name], v)
		default:
			fields[name] = v
		}
	}
	return fields
}
