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

// RenderStatus is the row that earlier front-ends read from GET /render.
type RenderStatus struct {
	ChoirID ChoirID `json:"choirId"`
	SongID  SongID  `json:"songId"`
	PartID  *PartID `json:"partId"` // null for states of the whole song
	Status  Status  `json:"status"`
	Date    string  `json:"date"` // RFC 3339, UTC
}
