package main

import (
	"bufio"
	"fmt"
	"image"
	"math"
	"os"
	"sync"
	"time"

	"github.com/choirless/render/media"
)

// avLog writes when each picture and each sound really came out, for a
// measurement of one against the other:
//
//	frame,<ns>,<index>,<mean luma 0..255 of the window's pixels>
//	sound,<ns>,<song sample, -1 for none>,<RMS of the millisecond from then on>
//
// Times are those of the wall clock. Safe for concurrent use.
type avLog struct {
	mu   sync.Mutex
	file *os.File
	w    *bufio.Writer
	mean float64 // of the picture about to be shown; main thread
}

func openAVLog(file string) (*avLog, error) {
	f, err := os.Create(file)
	if err != nil {
		return nil, err
	}
	return &avLog{file: f, w: bufio.NewWriter(f)}, nil
}

// look measures what is about to be shown.
func (l *avLog) look(m *image.RGBA) {
	sum, n := 0, 0
	for y := m.Rect.Min.Y; y < m.Rect.Max.Y; y += 8 {
		for x := m.Rect.Min.X; x < m.Rect.Max.X; x += 8 {
			p := m.Pix[m.PixOffset(x, y):]
			sum += 2*int(p[0]) + 7*int(p[1]) + int(p[2])
			n += 10
		}
	}
	l.mean = float64(sum) / float64(max(1, n))
}

// frame notes that a frame is on the screen.
func (l *avLog) frame(at time.Time, index int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(l.w, "frame,%d,%d,%.2f\n", at.UnixNano(), index, l.mean)
	l.w.Flush() // may be read while it is written; close says what went wrong
}

// sound notes a buffer on its way to the card.
func (l *avLog) sound(dac time.Time, song int64, stereo [][]float32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	const ms = int(media.MixRate) / 1000
	for i := 0; i+ms <= len(stereo[0]); i += ms {
		sum := 0.0
		for _, ch := range stereo {
			for _, v := range ch[i : i+ms] {
				sum += float64(v) * float64(v)
			}
		}
		at := song
		if at >= 0 {
			at += int64(i)
		}
		fmt.Fprintf(l.w, "sound,%d,%d,%.6f\n", dac.Add(media.MixRate.Duration(int64(i))).UnixNano(), at, math.Sqrt(sum/float64(2*ms)))
	}
}

func (l *avLog) close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.w.Flush(); err != nil {
		l.file.Close()
		return err
	}
	return l.file.Close()
}
