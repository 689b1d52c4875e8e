package align

import "github.com/choirless/render/media"

// Choir places all parts of a song together: every part is measured against the
// backing and against other parts, and the offsets that agree best with all
// measurements are found by weighted least squares.
//
// backing is the index of the backing in parts; its result is 0. locked holds
// offsets given by a person, by index; they are kept and help to place the
// others. A nil entry of parts is a recording without usable sound: its result
// is the fallback and needs review.
func Choir(backing int, parts []*Features, locked map[int]media.Offset, o Options) ([]Result, error) {
	out := make([]Result, len(parts))
	for i, p := range parts {
		switch off, ok := locked[i]; {
		case i == backing:
			out[i] = Result{Confidence: 1, Method: MethodBacking}
		case ok:
			out[i] = Result{Offset: off, Confidence: 1, Method: MethodLocked}
		case p == nil:
			out[i] = Result{Offset: o.Fallback[i], NeedsReview: true, Method: MethodFallback}
		default:
			r, err := Pair(parts[backing], p, o)
			if err != nil {
				return nil, err
			}
			out[i] = r
		}
	}
	return out, nil
}
