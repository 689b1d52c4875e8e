package definition

import _ "embed"

//go:embed schema.json
var schema []byte

// Schema returns the JSON schema (draft 2020-12) of a definition. It says all that a
// schema can; Validate also checks rectangles against the canvas and each other.
func Schema() []byte { return schema }
