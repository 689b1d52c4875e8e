package definition

// Status is the state of a render as earlier front-ends know it.
type Status string

// The six states of the Choirless render table, in order. There is no failed state
// and no percentage among them: those are ours, in the store.
const (
	StatusNew        Status = "new"        // the upload was seen
	StatusConverted  Status = "converted"  // the part is in the common format
	StatusAligned    Status = "aligned"    // offsets are known
	StatusRendered   Status = "rendered"   // the definition is written
	StatusComposited Status = "composited" // all stripes are there
	StatusDone       Status = "done"       // the final is there
)

// Stage is where a song is in our pipeline.
type Stage string

// The stages of a song, in order.
const (
	StageUploaded Stage = "uploaded"
	StageIngested Stage = "ingested"
	StageAligned  Stage = "aligned"
	StagePlanned  Stage = "planned"  // definition written, cells assigned
	StageComposed Stage = "composed" // every cell is there
	StageStitched Stage = "stitched" // preview written
	StageFinished Stage = "finished" // final written
)

// Legacy returns the state that earlier front-ends understand. Failed and cancelled
// renders keep the state of the last stage they finished: those front-ends have no
// word for them. An unknown stage is StatusNew.
func (s Stage) Legacy() Status {
	switch s {
	case StageIngested:
		return StatusConverted
	case StageAligned:
		return StatusAligned
	case StagePlanned:
		return StatusRendered
	case StageComposed, StageStitched:
		return StatusComposited
	case StageFinished:
		return StatusDone
	}
	return StatusNew
}

// RenderStatus is the row that earlier front-ends read from GET /render.
type RenderStatus struct {
	ChoirID ChoirID `json:"choirId"`
	SongID  SongID  `json:"songId"`
	PartID  *PartID `json:"partId"` // null for states of the whole song
	Status  Status  `json:"status"`
	Date    string  `json:"date"` // RFC 3339, UTC
}
