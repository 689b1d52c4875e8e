package decode

import (
	"errors"

	"github.com/choirless/render/internal/av"
)

// ErrNoVideo and ErrNoAudio say that a readable recording lacks the stream asked for.
var (
	ErrNoVideo = errors.New("decode: no video stream")
	ErrNoAudio = errors.New("decode: no audio stream")
)

// RejectError says that a recording can never be used; trying again cannot help.
type RejectError struct {
	// Reason is for a person: "empty file", "not a media file", "unreadable: moov atom not found".
	Reason string
}

func (e *RejectError) Error() string { return e.Reason }

// isAV says that libav, not the reader, failed.
func isAV(err error) bool {
	var e *av.Error
	return errors.As(err, &e)
}
