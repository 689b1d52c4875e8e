package node

import (
	"errors"
	"strings"
	"testing"

	"github.com/choirless/render/decode"
	"github.com/choirless/render/encode"
	"github.com/choirless/render/plan"
)

// TestEncodersAreSaid: what is available is said as it is, and an assignment for
// an encoder that is not fails with the reason, before anything is decoded.
func TestEncodersAreSaid(t *testing.T) {
	a := New(Config{Slots: 1}).About()
	if a.Encoders["x264"] != "available" {
		t.Errorf("x264: %s", a.Encoders["x264"])
	}
	for _, codec := range decode.Codecs {
		if a.Decoders[codec] != "software" {
			t.Errorf("%s, nothing asked for: %s", codec, a.Decoders[codec])
		}
	}
	asked := New(Config{Slots: 1, Decoder: decode.NVDEC}).About()
	for _, codec := range decode.Codecs {
		says, err := asked.Decoders[codec], decode.NVDEC.Available(codec)
		if err == nil && says != "nvdec" || err != nil && says != "software: nvdec not available: "+err.Error() {
			t.Errorf("%s, nvdec asked for: %s", codec, says)
		}
	}
	if err := usable(plan.Encoder{}, false); err != nil {
		t.Errorf("x264 for a stripe: %v", err)
	}
	if err := usable(plan.Encoder{Codec: "nvenc"}, false); err == nil || !strings.Contains(err.Error(), "whole pictures only") {
		t.Errorf("nvenc for a stripe: %v", err)
	}
	if encode.NVENC.Available() == nil {
		return
	}
	if !strings.HasPrefix(a.Encoders["nvenc"], "not available: ") {
		t.Errorf("nvenc: %s", a.Encoders["nvenc"])
	}
	if err := usable(plan.Encoder{Codec: "nvenc"}, true); !errors.As(err, new(*noEncoderError)) || !strings.Contains(err.Error(), "encoder nvenc: not available on this node") {
		t.Errorf("nvenc for whole pictures: %v", err)
	}
}

// A node says what it is at once, again when it knows more, and that it goes.
func TestNodeIntroducesItself(t *testing.T) {
	b := newBench(t)
	stop := b.run()
	about := func() *plan.Node {
		t.Helper()
		for {
			if r := b.report(); r.State == plan.ReportNode {
				if r.Node != "test" || r.Key != "" {
					t.Errorf("report %+v", r)
				}
				return r.About
			}
		}
	}
	if a := about(); a == nil || a.Slots != 1 || a.Encoder != "" || a.Decoder != "" || a.Encoders["x264"] != "available" {
		t.Errorf("at the beginning: %+v", a)
	}
	p := b.wanderingCell(10)
	b.send(plan.Assignment{Key: "k", Kind: plan.KindPicture, Attempt: 1, Picture: p})
	for {
		if a := about(); a.Encoder == "libx264" {
			if a.Compositor == "" || a.Decoder != "h264" {
				t.Errorf("after a picture: %+v", a)
			}
			break
		}
	}
	stop()
	for a := about(); a != nil; a = about() { // what was under way
	}
}
