package definition

// ChoirID, SongID and PartID are the opaque ids of the wire (kuuid strings of
// 32 characters in Choirless; any text without '+', '/' and control characters).
type (
	ChoirID string
	SongID  string
	PartID  string
)

// Song names one song of one choir.
type Song struct {
	Choir ChoirID `json:"choir_id"`
	Song  SongID  `json:"song_id"`
}
