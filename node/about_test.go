package node

import (
	"strings"
	"testing"

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
	if err := usable(plan.Encoder{Codec: "nvenc"}, true); err == nil || !strings.Contains(err.Error(), "encoder nvenc: not available on this node") {
		t.Errorf("nvenc for whole pictures: %v", err)
	}
}
