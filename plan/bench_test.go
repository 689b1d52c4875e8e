package plan

import "testing"

func BenchmarkLayout1007(b *testing.B) {
	parts := randomParts(1007, shapes["webcam"])
	for b.Loop() {
		if _, err := NewLayout(parts, LayoutOptions{Width: 1920, Height: 1080, Margin: -1}); err != nil {
			b.Fatal(err)
		}
	}
}
