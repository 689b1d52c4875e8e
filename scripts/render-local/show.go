package main

import (
	"context"
	"errors"
	"io"
)

func show(ctx context.Context, path string, o flags, in io.Reader, out, errOut io.Writer) error {
	return errors.New("not yet")
}
