package status

import (
	"fmt"

	"github.com/choirless/render/definition"
	"github.com/choirless/render/store"
)

// Document returns the document of a part; an empty one, beside the error, where
// it cannot be read, and where there is none.
func Document(p store.Part) (doc definition.Part, err error) {
	if len(p.Doc) > 0 {
		if doc, err = definition.ParsePart(p.Doc); err != nil {
			doc = definition.Part{}
		}
	}
	doc.PartID, doc.ChoirID, doc.SongID = p.Part, p.Choir, p.Song.Song
	return doc, err
}

// Warnings is what a person should know of a part that is used.
func Warnings(p store.Part) []string {
	if p.State != store.PartReady || p.Dropped != "" {
		return nil // the plan says that it was dropped
	}
	out := append([]string(nil), p.Ingest.Facts.Warnings...)
	if p.Ingest.Unusable != "" {
		out = append(out, "its sound cannot be aligned: "+p.Ingest.Unusable)
	} else if p.Aligned && p.Alignment.NeedsReview {
		out = append(out, review(p.Alignment))
	}
	return out
}

// review says why a part was not placed by what was heard, and where it could be.
func review(a store.Alignment) string {
	s := fmt.Sprintf("its offset of %.0f ms was not measured, please check", a.MediaOffset().MS())
	if a.Reason != "" {
		s += ": " + a.Reason
	}
	for i, c := range a.Candidates {
		s += fmt.Sprintf("%s %.0f ms (confidence %.2f)", []string{"; candidates", ","}[min(i, 1)], c.OffsetMS, c.Confidence)
	}
	return s
}
