package stitch

import "io"

func Elementary(src io.ReadSeeker) (io.Reader, error) { return src, nil }
func ReadAudio(src io.ReadSeeker) (*Audio, error)     { return nil, nil }
