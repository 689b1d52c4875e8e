package stitch

import "io"

// Elementary gives the H.264 video of a file as a byte stream (Annex B): of an
// MP4 file (14496-12), of a Matroska file (RFC 9559), or of a byte stream as it
// is. The reader reads src as it goes.
func Elementary(src io.ReadSeeker) (io.Reader, error) { return nil, nil }

// ReadAudio gives the AAC track of an MP4 file, packets read from src as they
// are ranged over.
func ReadAudio(src io.ReadSeeker) (*Audio, error) { return nil, nil }
