package queue

import (
	"crypto/rand"
	"encoding/json"
	"strings"
	"testing"
)

type letter struct {
	Name string          `json:"name"`
	Raw  json.RawMessage `json:"raw,omitempty"`
}

// Whatever a name holds, and however long it is, a queue takes the body and it comes
// back the same.
func TestBodies(t *testing.T) {
	for _, name := range []string{
		"", "Ada", "Ada\uffff", "\ufffe\uffff", `\uffff`, "\x00\x1f\x7f", "ü 🎵 <&>\"'", "\U0001ffff", strings.Repeat("long\uffff", MaxBody),
	} {
		raw, err := json.Marshal(map[string]string{"k": name})
		if err != nil {
			t.Fatal(err)
		}
		body, err := Encode(letter{name, raw})
		if err != nil {
			t.Fatalf("%.20q: %v", name, err)
		}
		if err := checkSend(body, 0); err != nil {
			t.Errorf("%.20q: %v", name, err)
		}
		if len(name) < 100 && body[0] != '{' {
			t.Errorf("%.20q: short, and not plain JSON: %.20q", name, body)
		}
		var got letter
		if err := Decode(body, &got); err != nil || got.Name != name {
			t.Errorf("%.20q came back as %.20q, %v", name, got.Name, err)
		}
		var inner map[string]string
		if err := json.Unmarshal(got.Raw, &inner); err != nil || inner["k"] != name {
			t.Errorf("%.20q inside came back as %.20q, %v", name, inner["k"], err)
		}
	}
}

func TestBodyTooLarge(t *testing.T) {
	var b strings.Builder
	for b.Len() < 2*MaxBody {
		b.WriteString(rand.Text())
	}
	if _, err := Encode(letter{Name: b.String()}); err == nil || !strings.Contains(err.Error(), "at most 262144") {
		t.Errorf("%d bytes of noise: %v", b.Len(), err)
	}
}

func TestDecodeRefuses(t *testing.T) {
	for _, body := range []string{"", "x", "[", "H4sIAAAAAAAA", "{"} {
		if err := Decode([]byte(body), &letter{}); err == nil {
			t.Errorf("%q was read", body)
		}
	}
}
