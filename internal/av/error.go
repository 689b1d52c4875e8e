package av

import (
	"errors"
	"io"
	"strings"

	"github.com/asticode/go-astiav"
)

// ErrAgain says that a codec wants input before it can give output, or the
// other way round.
var ErrAgain = errors.New("av: try again")

// Error is a failure inside libav.
type Error struct {
	Op   string       // what was being done: "open", "decode h264"
	Code astiav.Error // unwraps to this
	Log  []string     // what libav said about it, oldest first
}

func (e *Error) Error() string {
	s := e.Op + ": " + strings.ToLower(e.Code.Error())
	if len(e.Log) > 0 {
		s += " (" + strings.Join(e.Log, "; ") + ")"
	}
	return s
}

// Unwrap returns the code, so that errors.Is(err, astiav.ErrInvaliddata) works.
func (e *Error) Unwrap() error { return e.Code }

// Invalid reports whether err says that the data are broken, as opposed to a
// failure of reading them or of the machine.
func Invalid(err error) bool { return errors.Is(err, astiav.ErrInvaliddata) }

// fail turns a libav result into an error: nil, io.EOF, ErrAgain or *Error.
func fail(op string, err error, log []string) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, astiav.ErrEof):
		return io.EOF
	case errors.Is(err, astiav.ErrEagain):
		return ErrAgain
	}
	var code astiav.Error
	if errors.As(err, &code) {
		return &Error{Op: op, Code: code, Log: log}
	}
	return err
}
