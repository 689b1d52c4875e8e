package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// A person's hands may be a script: with --commands, lines of standard input are
//
//	key NAME         press a key, by its name in the help
//	seek SECONDS
//	wait SECONDS
//	click X Y        in window pixels
//	tune NAME VALUE  what a slider sets
//	screenshot FILE  what the window shows, as PNG
//	status           a line of JSON
//	quit
//
// Each is answered by one line: "ok", "error: …", or what was asked for. The end
// of the input changes nothing.
func (a *app) readCommands(ctx context.Context, in io.Reader) {
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		verb, rest, _ := strings.Cut(strings.TrimSpace(lines.Text()), " ")
		if verb == "" {
			continue
		}
		answer, err := a.command(ctx, verb, strings.TrimSpace(rest))
		if err != nil {
			answer = "error: " + err.Error()
		}
		fmt.Fprintln(a.out, answer)
		if ctx.Err() != nil {
			return
		}
	}
}

func (a *app) command(ctx context.Context, verb, rest string) (answer string, err error) {
	answer = "ok"
	on := func(f func()) {
		if !a.onMain(ctx, f) {
			err = context.Cause(ctx)
		}
	}
	switch verb {
	case "key":
		on(func() { err = a.press(rest) })
	case "seek", "wait":
		seconds, perr := strconv.ParseFloat(rest, 64)
		if perr != nil || seconds < 0 {
			return "", fmt.Errorf("%s %q, want seconds", verb, rest)
		}
		t := time.Duration(seconds * float64(time.Second))
		if verb == "seek" {
			on(func() { a.jump(t) })
			break
		}
		select {
		case <-time.After(t):
		case <-ctx.Done():
		}
	case "tune":
		var name string
		var v float64
		if n, _ := fmt.Sscan(rest, &name, &v); n != 2 {
			return "", fmt.Errorf("tune %q, want NAME VALUE", rest)
		}
		on(func() { a.setLook(name, v); a.dirty = true })
	case "click":
		var p image.Point
		if n, _ := fmt.Sscan(rest, &p.X, &p.Y); n != 2 {
			return "", fmt.Errorf("click %q, want X Y", rest)
		}
		on(func() { a.mouse(p, true); a.mouse(p, false) })
	case "screenshot":
		shot := make(chan *image.RGBA, 1)
		on(func() { a.shots = append(a.shots, func(m *image.RGBA) { shot <- m }) })
		select {
		case m := <-shot:
			return answer, writePNG(rest, m)
		case <-ctx.Done():
			return "", context.Cause(ctx)
		}
	case "status":
		on(func() { answer, err = a.status() })
	case "quit":
		on(func() { a.quit = true })
	default:
		return "", fmt.Errorf("command %q is unknown", verb)
	}
	return answer, err
}

// status is what a script wants to know.
type status struct {
	Seconds   float64 `json:"seconds"` // song time
	Playing   bool    `json:"playing"`
	Frame     int     `json:"frame"` // in the window, -1 before the first
	Look      int     `json:"look"`  // counts what the picture was made with
	Error     string  `json:"error,omitempty"`
	Presented int     `json:"presented"`
	Dropped   int     `json:"dropped"`
	FPS       float64 `json:"fps"`
	ComposeMS float64 `json:"compose_ms"`
	DrawMS    float64 `json:"draw_ms"`
	ReloadMS  float64 `json:"reload_ms"` // from the save to the picture, the last time
	StarvedMS float64 `json:"starved_ms"`
	Device    string  `json:"device"`
	LUFS      float64 `json:"lufs,omitempty"`
	PSNR      float64 `json:"psnr,omitempty"`
	SSIM      float64 `json:"ssim,omitempty"`
	RivalAt   int     `json:"rival_frame,omitempty"`
	Resident  int     `json:"resident_kib"`
	Renderer  string  `json:"renderer"`
	Note      string  `json:"note,omitempty"`
}

func (a *app) status() (string, error) {
	now := time.Now()
	s, st := a.monitor.State(now), a.stage.Stats()
	out := status{
		Seconds: s.Sample / 48000, Playing: s.Playing, Frame: -1, Presented: a.presented, Dropped: a.dropped,
		FPS: a.rate.fps(now), ComposeMS: st.Compose.Seconds() * 1000, DrawMS: a.lead.Seconds() * 1000,
		ReloadMS: a.reloads.took.Seconds() * 1000, StarvedMS: float64(s.Starved) / 48, Device: a.device,
		Resident: resident(), Renderer: a.win.Renderer(), Note: a.note,
	}
	if a.frame != nil {
		out.Frame, out.Look = a.frame.Index, a.frame.Look
	}
	if err := a.reloads.err; err != nil {
		heading, lines := explain(err)
		out.Error = strings.Join(append([]string{heading}, lines...), "\n")
	}
	if a.mastered != nil {
		out.LUFS = float64(a.mastered.Integrated)
	}
	if a.rival.there {
		out.PSNR, out.SSIM, out.RivalAt = a.rival.distance.PSNR, a.rival.distance.SSIM, a.rival.index
	}
	b, err := json.Marshal(out)
	return string(b), err
}

// resident is the memory of the process that is in use, KiB; 0 where that cannot
// be read.
func resident() int {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		var kib int
		if n, _ := fmt.Sscanf(line, "VmRSS: %d kB", &kib); n == 1 {
			return kib
		}
	}
	return 0
}

// newest is when a shader file was last changed.
func newest(dir string) time.Time {
	var t time.Time
	files, _ := filepath.Glob(filepath.Join(dir, "*.glsl")) // the pattern is good
	for _, f := range files {
		if st, err := os.Stat(f); err == nil && st.ModTime().After(t) {
			t = st.ModTime()
		}
	}
	return t
}
