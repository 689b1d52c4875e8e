package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"syscall"
	"time"

	"github.com/choirless/render/coordinator"
	"github.com/choirless/render/local"
	"github.com/choirless/render/plan"
)

// report is what --report writes.
type report struct {
	Song   string        `json:"song"`
	Choir  string        `json:"choir"`
	Out    string        `json:"out"`
	Stages []reportStage `json:"stages"`
	Parts  []reportPart  `json:"parts"`
	Output reportOutput  `json:"output"`
	Run    string        `json:"run"`
	// Work is what each kind of task cost, however many ran at once.
	Work     []coordinator.Work `json:"work"`
	Warnings []string           `json:"warnings,omitempty"`
	// Whole process.
	WallSeconds float64 `json:"wall_s"`
	CPUSeconds  float64 `json:"cpu_s"`
	PeakRSS     int64   `json:"peak_rss_bytes"`
}

type reportStage struct {
	Stage string  `json:"stage"`
	Wall  float64 `json:"wall_s"`
	CPU   float64 `json:"cpu_s"`
	Tasks int     `json:"tasks"`
}

type reportPart struct {
	Part        string      `json:"part"`
	Name        string      `json:"name,omitempty"`
	State       string      `json:"state"` // used, or dropped
	OffsetMS    *float64    `json:"offset_ms"`
	Confidence  float64     `json:"confidence"`
	DriftPPM    float64     `json:"drift_ppm"`
	Method      string      `json:"method,omitempty"`
	NeedsReview bool        `json:"needs_review"`
	Reason      string      `json:"review_reason,omitempty"`
	Candidates  []candidate `json:"candidates,omitempty"`
	Codec       string      `json:"codec"`
	AudioCodec  string      `json:"audio_codec,omitempty"`
	Size        string      `json:"size,omitempty"`
	FPS         float64     `json:"fps"`
	Duration    float64     `json:"duration"` // seconds
	Warnings    []string    `json:"warnings"`
}

type reportOutput struct {
	Duration float64 `json:"duration"` // seconds
	Frames   int     `json:"frames"`
	Width    int     `json:"width"`
	Height   int     `json:"height"`
	FPS      string  `json:"fps"`
	LUFS     float64 `json:"lufs"`
	DBTP     float64 `json:"dbtp"`
	Silent   bool    `json:"silent"` // nothing to hear; lufs and dbtp are no less than -70 and -120
	Bytes    int64   `json:"bytes"`
	SHA256   string  `json:"sha256"`
	// Stacked is how many segments had stripes that could not be joined in the
	// bitstream; Verified that the video was decoded and equals its stripes.
	Stacked  int  `json:"stacked"`
	Verified bool `json:"verified"`
}

// stageClock shares wall and CPU time of the process among the stages: what
// passes between two looks at the song belongs to the stage that was the first
// unfinished one. The shares add up to the whole. Not safe for concurrent use.
type stageClock struct {
	began, last time.Time
	lastCPU     float64
	current     string
	stages      []reportStage
}

func startStageClock() *stageClock {
	c := &stageClock{began: time.Now(), current: "start"}
	c.last = c.began
	c.lastCPU, _ = processUsage()
	return c
}

// see notes the state of the song; called after every change.
func (c *stageClock) see(s coordinator.SongStatus) {
	next := "finish"
	for _, st := range s.Stages {
		if st.Total > 0 && st.Done < st.Total {
			next = string(st.Stage)
			break
		}
	}
	c.lap(next)
	for _, st := range s.Stages {
		for i := range c.stages {
			if c.stages[i].Stage == string(st.Stage) {
				c.stages[i].Tasks = st.Total
			}
		}
	}
}

// lap gives what passed to the current stage and goes on to the next.
func (c *stageClock) lap(next string) {
	now := time.Now()
	cpu, _ := processUsage()
	i := slices.IndexFunc(c.stages, func(s reportStage) bool { return s.Stage == c.current })
	if i < 0 {
		i = len(c.stages)
		c.stages = append(c.stages, reportStage{Stage: c.current})
	}
	c.stages[i].Wall += now.Sub(c.last).Seconds()
	c.stages[i].CPU += cpu - c.lastCPU
	c.last, c.lastCPU, c.current = now, cpu, next
}

// processUsage is the CPU seconds and the peak memory of this process.
func processUsage() (cpu float64, rss int64) {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0, 0
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9, u.Maxrss * 1024
}

func writeReport(file string, song local.Folder, o renderFlags, res coordinator.Result, clock *stageClock) error {
	clock.lap("")
	r := newReport(song, o, res)
	r.Stages = clock.stages
	r.WallSeconds = time.Since(clock.began).Seconds()
	r.CPUSeconds, r.PeakRSS = processUsage()
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(b, '\n'), 0o644)
}

func newReport(song local.Folder, o renderFlags, res coordinator.Result) report {
	out := res.Output
	r := report{
		Song: string(song.Song.Song), Choir: string(song.Song.Choir), Out: o.out, Run: res.Run, Work: res.Work,
		Output: reportOutput{
			Duration: out.Duration, Frames: out.Frames, Width: out.Width, Height: out.Height, FPS: out.FPS,
			LUFS: out.LUFS, DBTP: out.TruePeak, Silent: out.Silent, Bytes: out.Bytes, SHA256: out.SHA256, Stacked: out.Stacked, Verified: out.Verified,
		},
	}
	for _, p := range res.Parts {
		r.Parts = append(r.Parts, newReportPart(p))
	}
	for _, w := range res.Warnings {
		r.Warnings = append(r.Warnings, warningText(w))
	}
	for _, name := range song.Ignored {
		r.Warnings = append(r.Warnings, fmt.Sprintf("%s: not named as a recording, ignored", name))
	}
	return r
}

func newReportPart(p coordinator.PartStatus) reportPart {
	r := reportPart{
		Part: string(p.Part), Name: p.Name, State: "used", Warnings: p.Warnings,
		Confidence: p.Confidence, DriftPPM: p.DriftPPM, Method: p.Method, NeedsReview: p.NeedsReview, Reason: p.Reason,
	}
	if r.Warnings == nil {
		r.Warnings = []string{}
	}
	for _, reason := range []string{p.Error, p.Dropped} {
		if reason != "" {
			r.State = "dropped"
			if !slices.Contains(r.Warnings, reason) {
				r.Warnings = append(r.Warnings, reason)
			}
		}
	}
	if p.Method != "" {
		ms := p.OffsetMS
		r.OffsetMS = &ms
	}
	for _, c := range p.Candidates {
		r.Candidates = append(r.Candidates, candidate{c.OffsetMS, c.Confidence})
	}
	f := p.Facts
	if f == nil {
		return r
	}
	r.Duration = f.Duration.Seconds()
	if v := f.Video; v != nil {
		w, h := v.DisplaySize()
		r.Codec, r.FPS, r.Size = v.Codec, v.FPS, fmt.Sprintf("%.0fx%.0f", w, h)
	}
	if a := f.Audio; a != nil {
		r.AudioCodec = a.Codec
		if r.Codec == "" {
			r.Codec = a.Codec
		}
	}
	return r
}

func warningText(w plan.PartWarning) string {
	if w.Part == "" {
		return w.Text
	}
	return fmt.Sprintf("part %q: %s", w.Part, w.Text)
}

func printResult(out, errOut io.Writer, file string, res coordinator.Result) {
	for _, w := range res.Warnings {
		fmt.Fprintln(errOut, "choirless: warning:", warningText(w))
	}
	o := res.Output
	sound := fmt.Sprintf("%.1f LUFS, %.1f dBTP", o.LUFS, o.TruePeak)
	if o.Silent {
		sound = "no sound"
	}
	fmt.Fprintf(out, "%s: %.2f s, %d frames, %s\n", file, o.Duration, o.Frames, sound)
	if o.Verified {
		fmt.Fprintf(out, "%s: verified: every picture decodes to its stripes\n", file)
	}
}
