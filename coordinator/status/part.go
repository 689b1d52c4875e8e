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
		out = append(out, fmt.Sprintf("its offset of %.0f ms is not certain (confidence %.2f), please check",
			p.Alignment.MediaOffset().MS(), p.Alignment.Confidence))
	}
	return out
}
