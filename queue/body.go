package queue

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
)

// A body is JSON. Queues refuse two characters that JSON does not escape by itself, and
// bodies of more than MaxBody: what is larger travels as the base64 of its gzip, which
// begins with a letter, as the JSON of an object never does. A sound of a thousand
// voices is a third of a megabyte, for the most part the same ids over and over.

// maxDecoded bounds what Decode makes of a body, in bytes.
const maxDecoded = 64 << 20

// noncharacters become escapes: in JSON they can only stand inside strings.
var noncharacters = [2][2][]byte{
	{[]byte("\uFFFE"), []byte(`\ufffe`)},
	{[]byte("\uFFFF"), []byte(`\uffff`)},
}

// Encode returns the body of a message that is v: JSON, compressed where it would be too
// long. Every queue takes it; what cannot be made to fit is an error.
func Encode(v any) ([]byte, error) {
	body, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	for _, c := range noncharacters {
		body = bytes.ReplaceAll(body, c[0], c[1])
	}
	if len(body) <= MaxBody {
		return body, nil
	}
	var packed bytes.Buffer
	text := base64.NewEncoder(base64.StdEncoding, &packed)
	z := gzip.NewWriter(text)
	if _, err := z.Write(body); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	if err := text.Close(); err != nil {
		return nil, err
	}
	if packed.Len() > MaxBody {
		return nil, fmt.Errorf("message of %d bytes, %d compressed, at most %d", len(body), packed.Len(), MaxBody)
	}
	return packed.Bytes(), nil
}

// Decode reads what Encode made of a value.
func Decode(body []byte, v any) error {
	if len(body) == 0 || body[0] == '{' {
		return json.Unmarshal(body, v)
	}
	z, err := gzip.NewReader(base64.NewDecoder(base64.StdEncoding, bytes.NewReader(body)))
	if err != nil {
		return fmt.Errorf("neither a JSON object nor a compressed one: %w", err)
	}
	text, err := io.ReadAll(io.LimitReader(z, maxDecoded))
	if err != nil {
		return fmt.Errorf("compressed body: %w", err)
	}
	return json.Unmarshal(text, v)
}
