// Package drive runs render-local on a screen of its own and tells it what to do,
// for tests and for long runs.
package drive

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Screen is an X server without hardware whose pixels can be looked at.
type Screen struct {
	// Display is its name, for DISPLAY.
	Display string
	cmd     *exec.Cmd
	dir     string
}

// ErrNoXvfb says that Xvfb is not installed.
var ErrNoXvfb = errors.New("no Xvfb is installed")

// startTime bounds how long a program may take to come up.
const startTime = 60 * time.Second

// Start starts a screen on a display that is free. The caller must Close it.
func Start(width, height int) (_ *Screen, err error) {
	path, err := exec.LookPath("Xvfb")
	if err != nil {
		return nil, ErrNoXvfb
	}
	s := &Screen{}
	if s.dir, err = os.MkdirTemp("", "render-local-screen-"); err != nil {
		return nil, err
	}
	number, child, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer number.Close()
	s.cmd = exec.Command(path, "-displayfd", "3", "-screen", "0", fmt.Sprintf("%dx%dx24", width, height), "-nolisten", "tcp", "-fbdir", s.dir)
	s.cmd.ExtraFiles = []*os.File{child}
	var log strings.Builder
	s.cmd.Stderr = &log
	err = s.cmd.Start()
	child.Close()
	if err != nil {
		os.RemoveAll(s.dir)
		return nil, fmt.Errorf("start Xvfb: %w", err)
	}
	// It says which display once it is ready, or closes the pipe as it ends.
	_ = number.SetReadDeadline(time.Now().Add(startTime)) // a pipe has deadlines
	line, err := bufio.NewReader(number).ReadString('\n')
	if err != nil {
		s.Close()
		return nil, fmt.Errorf("start Xvfb: %w: %s", err, log.String())
	}
	s.Display = ":" + strings.TrimSpace(line)
	return s, nil
}

// Shot returns what is on the screen.
func (s *Screen) Shot() (*image.RGBA, error) {
	raw, err := os.ReadFile(filepath.Join(s.dir, "Xvfb_screen0"))
	if err != nil {
		return nil, err
	}
	return readXWD(raw)
}

// Fields of an X window dump's header, XWDFile.h; each has four bytes, the most
// significant first.
const (
	xwdHeader       = 0 // bytes
	xwdVersion      = 1 // 7
	xwdWidth        = 4
	xwdHeight       = 5
	xwdByteOrder    = 7 // 0: least significant first
	xwdBitsPerPixel = 11
	xwdBytesPerLine = 12
	xwdColors       = 19 // entries of 12 bytes between header and pixels
	xwdFields       = 25
)

// readXWD reads a window dump of 32 bits per pixel.
func readXWD(raw []byte) (*image.RGBA, error) {
	if len(raw) < 4*xwdFields {
		return nil, fmt.Errorf("window dump: %d bytes", len(raw))
	}
	field := func(i int) int { return int(binary.BigEndian.Uint32(raw[4*i:])) }
	if field(xwdVersion) != 7 || field(xwdBitsPerPixel) != 32 || field(xwdByteOrder) != 0 {
		return nil, fmt.Errorf("window dump: version %d, %d bits per pixel, byte order %d: want 7, 32, 0",
			field(xwdVersion), field(xwdBitsPerPixel), field(xwdByteOrder))
	}
	w, h, line := field(xwdWidth), field(xwdHeight), field(xwdBytesPerLine)
	from := field(xwdHeader) + 12*field(xwdColors)
	if from < 0 || line < 4*w || len(raw) < from+line*h {
		return nil, fmt.Errorf("window dump: %d bytes do not hold %dx%d", len(raw), w, h)
	}
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		row := raw[from+y*line:]
		for x := range w {
			b, g, r := row[4*x], row[4*x+1], row[4*x+2]
			copy(m.Pix[m.PixOffset(x, y):], []byte{r, g, b, 255})
		}
	}
	return m, nil
}

// Close ends the screen.
func (s *Screen) Close() error {
	err := s.cmd.Process.Signal(os.Interrupt)
	werr := s.cmd.Wait()
	if code := s.cmd.ProcessState.ExitCode(); code == 0 || code == 1 && err == nil {
		werr = nil // that is how it ends when it is told to
	}
	return errors.Join(err, werr, os.RemoveAll(s.dir))
}
