package main

import (
	"fmt"
	"slices"

	"github.com/choirless/render/decode"
)

// chooseDecoder turns the flag --decoder into a decoder that works here.
func chooseDecoder(s string) (decode.Decoder, error) {
	if !slices.Contains(decode.DecoderNames, s) {
		return decode.Software, usage("--decoder: %q, want auto, software or nvdec", s)
	}
	d, err := decode.ChooseDecoder(s)
	if err != nil {
		return d, fmt.Errorf("--decoder: %w", err)
	}
	return d, nil
}
