// Command browsercheck shows that Chromium plays what package stitch writes:
//
//	go run ./scripts/browsercheck -audio song.m4a top.h264 middle.h264 bottom.h264
//
// It joins the stripes into a movie with sound, plays it to its end and then
// seeks to pictures all over it, comparing every sample on the screen with the
// stripes played each on its own. A growing movie (fragmented MP4) of the same
// pictures is played too. By hand; needs Debian's package chromium.
//
// Exit code 1: an error, a dropped or corrupted picture, or a sample that differs.
package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/choirless/render/media"
	"github.com/choirless/render/stitch"
)

//go:embed page.html
var page string

// playback is what the page measured of one movie.
type playback struct {
	Ended     bool    `json:"ended"`
	Seconds   float64 `json:"seconds"` // position at the end
	Total     int     `json:"total"`
	Dropped   int     `json:"dropped"`
	Corrupted int     `json:"corrupted"`
	Audio     int     `json:"audio"` // bytes of sound decoded
}

// report is what the page sends when it is done.
type report struct {
	Error    string   `json:"error"`
	Movie    playback `json:"movie"`
	Growing  playback `json:"growing"`
	Seeks    int      `json:"seeks"`
	MaxDiff  int      `json:"maxDiff"`
	Browser  string   `json:"browser"`
	Messages []string `json:"messages"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "browsercheck: error:", err)
		os.Exit(1)
	}
}

func run() error {
	audio := flag.String("audio", "", "MP4 `file` whose AAC track becomes the sound")
	browser := flag.String("browser", "chromium", "the browser's `command`")
	seeks := flag.Int("seeks", 16, "how many pictures are compared")
	wait := flag.Duration("wait", 3*time.Minute, "how long the browser may take")
	flag.Parse()
	if flag.NArg() == 0 {
		return errors.New("no stripes")
	}
	dir, err := os.MkdirTemp("", "browsercheck")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	rate, err := prepare(dir, *audio, flag.Args())
	if err != nil {
		return err
	}
	settings, err := json.Marshal(map[string]any{"stripes": flag.NArg(), "fps": rate.FPS(), "seeks": *seeks})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), *wait)
	defer cancel()
	r, err := inBrowser(ctx, *browser, dir, strings.Replace(page, "SETTINGS", string(settings), 1))
	if err != nil {
		return err
	}
	fmt.Printf("%s\nmovie    %+v\ngrowing  %+v\n%d seeks, largest difference of a sample %d\n", r.Browser, r.Movie, r.Growing, r.Seeks, r.MaxDiff)
	for _, m := range r.Messages {
		fmt.Println(m)
	}
	return judge(r, *seeks, *audio != "")
}

func judge(r *report, seeks int, sound bool) error {
	switch {
	case r.Error != "":
		return errors.New(r.Error)
	case !r.Movie.Ended || !r.Growing.Ended:
		return errors.New("not played to the end")
	case r.Movie.Dropped+r.Movie.Corrupted+r.Growing.Corrupted > 0:
		return fmt.Errorf("%d pictures dropped, %d corrupted", r.Movie.Dropped, r.Movie.Corrupted+r.Growing.Corrupted)
	case sound && r.Movie.Audio == 0:
		return errors.New("no sound was decoded")
	case r.Seeks != seeks || r.MaxDiff != 0:
		return fmt.Errorf("%d of %d seeks compared, largest difference %d", r.Seeks, seeks, r.MaxDiff)
	}
	return nil
}

// prepare writes movie.mp4, growing.mp4 and one MP4 per stripe.
func prepare(dir, audio string, stripes []string) (media.FrameRate, error) {
	var whole stitch.Segment
	var m stitch.Movie
	for i, name := range stripes {
		b, err := os.ReadFile(name)
		if err != nil {
			return m.Rate, err
		}
		open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }
		if i == 0 {
			info, err := stitch.Inspect(bytes.NewReader(b))
			if err != nil {
				return m.Rate, fmt.Errorf("%s: %w", name, err)
			}
			m.Rate = info.Rate
		}
		whole.Stripes = append(whole.Stripes, open)
		alone := stitch.Movie{Rate: m.Rate, Segments: []stitch.Segment{{Stripes: []stitch.Opener{open}}}}
		if err := write(filepath.Join(dir, fmt.Sprintf("stripe%d.mp4", i)), alone); err != nil {
			return m.Rate, fmt.Errorf("%s: %w", name, err)
		}
	}
	m.Segments = []stitch.Segment{whole}
	if audio != "" {
		f, err := os.Open(audio)
		if err != nil {
			return m.Rate, err
		}
		defer f.Close()
		if m.Audio, err = stitch.ReadAudio(f); err != nil {
			return m.Rate, fmt.Errorf("%s: %w", audio, err)
		}
	}
	if err := write(filepath.Join(dir, "movie.mp4"), m); err != nil {
		return m.Rate, err
	}
	grow, err := stitch.NewFragments(m.Rate, "", m.Audio)
	if err != nil {
		return m.Rate, err
	}
	defer grow.Close()
	var body bytes.Buffer
	if _, err := grow.Append(context.Background(), &body, whole); err != nil {
		return m.Rate, err
	}
	return m.Rate, os.WriteFile(filepath.Join(dir, "growing.mp4"), append(grow.Init(), body.Bytes()...), 0o644)
}

func write(name string, m stitch.Movie) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err = stitch.WriteMP4(context.Background(), f, m); err != nil {
		return err
	}
	return f.Close()
}

// inBrowser serves the page and the movies on this machine alone, opens the
// page in a headless browser and waits for its report.
func inBrowser(ctx context.Context, browser, dir, page string) (*report, error) {
	reports := make(chan report, 1)
	mux := http.NewServeMux()
	mux.Handle("GET /media/", http.StripPrefix("/media/", http.FileServer(http.Dir(dir))))
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, page) })
	mux.HandleFunc("POST /report", func(w http.ResponseWriter, req *http.Request) {
		var r report
		if err := json.NewDecoder(req.Body).Decode(&r); err != nil {
			r.Error = err.Error()
		}
		select {
		case reports <- r:
		default:
		}
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	server := &http.Server{Handler: mux}
	served := make(chan struct{})
	go func() {
		defer close(served)
		server.Serve(l)
	}()
	defer func() {
		server.Close()
		<-served
	}()
	cmd := exec.CommandContext(ctx, browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--mute-audio",
		"--autoplay-policy=no-user-gesture-required", "--user-data-dir="+filepath.Join(dir, "profile"),
		"http://"+l.Addr().String()+"/")
	var log bytes.Buffer
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	select {
	case r := <-reports:
		return &r, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("no report from the browser: %w\n%s", ctx.Err(), log.String())
	}
}
