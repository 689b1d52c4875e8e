package main

import (
	"fmt"

	"github.com/choirless/render/encode"
)

// chooseEncoder turns the flag --encoder into a codec that works here.
func chooseEncoder(s string) (encode.Codec, error) {
	if s == "auto" {
		return encode.BestCodec(), nil
	}
	c, err := encode.ParseCodec(s)
	if err != nil {
		return c, usage("--encoder: %q, want auto, x264 or nvenc", s)
	}
	if err := c.Available(); err != nil {
		return c, fmt.Errorf("--encoder %v: not available on this machine: %w", c, err)
	}
	return c, nil
}

// available says in a word, or in the reason why not, whether a codec works.
func available(c encode.Codec) string {
	if err := c.Available(); err != nil {
		return "not available: " + err.Error()
	}
	return "available"
}
