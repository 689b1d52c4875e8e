package node

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/png"
	"testing"
	"time"

	"github.com/choirless/render/bucket"
	"github.com/choirless/render/plan"
)

// An image is read once for all cells that show it, by what it holds and not by
// its name, and forgotten when nobody wants it.
func TestImagesAreReadOnce(t *testing.T) {
	misc, err := bucket.OpenDir(t.TempDir(), bucket.DirOptions{})
	if err != nil {
		t.Fatal(err)
	}
	b := bucket.Buckets{"misc": misc}
	put := func(width int) {
		var file bytes.Buffer
		if err := png.Encode(&file, image.NewGray(image.Rect(0, 0, width, 4))); err != nil {
			t.Fatal(err)
		}
		if _, err := misc.Put(t.Context(), "a.png", &file, bucket.PutOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	var all images
	read := func(sha256 string) (width int, err error) {
		img, err := all.read(t.Context(), b, plan.Overlay{Image: plan.Ref{Bucket: "misc", Key: "a.png"}, SHA256: sha256})
		if err != nil {
			return 0, err
		}
		return img.Bounds().Dx(), nil
	}
	put(8)
	for range 2 {
		if w, err := read("eight"); w != 8 || err != nil {
			t.Fatalf("%d wide, %v", w, err)
		}
	}
	put(16)
	if w, err := read("sixteen"); w != 16 || err != nil {
		t.Errorf("another image under the same name: %d wide, %v", w, err)
	}
	if err := misc.Delete(t.Context(), "a.png"); err != nil {
		t.Fatal(err)
	}
	if w, err := read("eight"); w != 8 || err != nil {
		t.Errorf("read again: %d wide, %v", w, err)
	}
	for _, unknown := range []string{"", "other"} {
		if _, err := read(unknown); !errors.Is(err, bucket.ErrNotFound) {
			t.Errorf("hash %q: %v, want it to be read", unknown, err)
		}
	}
	put(4)
	for i := range keptImages { // the last two, and as many as there is room for
		if _, err := read(fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	if len(all.kept) != keptImages || all.take("eight") != nil {
		t.Errorf("%d kept, want %d, without the one used longest ago", len(all.kept), keptImages)
	}
	if all.clear(time.Now()); len(all.kept) > 0 {
		t.Errorf("%d kept that nobody wants", len(all.kept))
	}
}
