package web

import (
	"encoding/json"
	"errors"
)

// merge changes the fields of an object that change names, and those of the objects in
// it; null takes one back (RFC 7396).
func merge(object, change []byte) ([]byte, error) {
	fields, changes := map[string]any{}, map[string]any{}
	if len(object) > 0 {
		if err := json.Unmarshal(object, &fields); err != nil {
			return nil, err
		}
	}
	if err := json.Unmarshal(change, &changes); err != nil {
		return nil, badRequest{err}
	}
	if changes == nil {
		return nil, badRequest{errors.New("null, want an object")}
	}
	return json.Marshal(mergePatch(fields, changes))
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
