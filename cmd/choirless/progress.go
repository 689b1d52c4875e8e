package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/choirless/render/coordinator"
)

// progress shows a person how far a song is: a bar on a terminal, a line now
// and then in a pipe. Its methods are called by one goroutine.
type progress interface {
	show(coordinator.SongStatus)
	note(text string)
	end()
}

func newProgress(w io.Writer) progress {
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return &barProgress{w: w, fd: int(f.Fd())}
	}
	return &lineProgress{w: w}
}

// barProgress redraws one line of a terminal.
type barProgress struct {
	w     io.Writer
	fd    int
	drawn bool
}

const barWidth = 30

func (p *barProgress) show(s coordinator.SongStatus) {
	width, _, err := term.GetSize(p.fd)
	if err != nil || width < 40 {
		width = 80
	}
	full := min(barWidth, int(s.Percent/100*barWidth))
	line := fmt.Sprintf("[%s%s] %3.0f %%  %s%s", strings.Repeat("█", full), strings.Repeat("░", barWidth-full), s.Percent, working(s), left(s))
	if r := []rune(line); len(r) > width-1 {
		line = string(r[:width-1])
	}
	fmt.Fprintf(p.w, "\r\x1b[K%s", line)
	p.drawn = true
}

func (p *barProgress) note(text string) {
	if p.drawn {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
	fmt.Fprintln(p.w, "note:", text)
}

func (p *barProgress) end() {
	if p.drawn {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}

// lineProgress prints a line when the stage changes and every ten percent.
type lineProgress struct {
	w     io.Writer
	stage string
	step  int
}

func (p *lineProgress) show(s coordinator.SongStatus) {
	stage, step := working(s), int(s.Percent/10)
	name, _, _ := strings.Cut(stage, " ")
	if name == p.stage && step == p.step {
		return
	}
	p.stage, p.step = name, step
	fmt.Fprintf(p.w, "%3.0f %%  %s%s\n", s.Percent, stage, left(s))
}

func (p *lineProgress) note(text string) { fmt.Fprintln(p.w, "note:", text) }
func (p *lineProgress) end()             {}

// left says how long it still takes, where that is known.
func left(s coordinator.SongStatus) string {
	if s.RemainingS < 1 {
		return ""
	}
	return fmt.Sprintf(", about %v left", time.Duration(s.RemainingS)*time.Second)
}

// working says which stage the song is in.
func working(s coordinator.SongStatus) string {
	for _, st := range s.Stages {
		if st.Total > 0 && st.Done < st.Total {
			return fmt.Sprintf("%s %d/%d", st.Stage, st.Done, st.Total)
		}
	}
	return ""
}
