package encode

import (
	"errors"
	"io"

	"github.com/choirless/render/media"
)

// JPEG writes f as a JPEG, turned upright, with square samples and converted
// from its own colour to JPEG's (BT.601, full range). Quality is 1..100.
func JPEG(w io.Writer, f *media.Frame, quality int) error { return errors.ErrUnsupported }
