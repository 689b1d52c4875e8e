package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/choirless/render/definition"
)

// service is `choirless serve` as a process of its own, which can be killed.
type service struct {
	*testing.T
	bin, data string
	cmd       *exec.Cmd
	url       string
	errors    bytes.Buffer
}

func newService(t *testing.T, bin string) *service {
	t.Helper()
	s := &service{T: t, bin: bin, data: t.TempDir()}
	t.Cleanup(func() {
		s.kill()
		if t.Failed() {
			t.Logf("standard error of serve:\n%s", s.errors.String())
		}
	})
	s.start()
	return s
}

// start returns when the status page is up.
func (s *service) start() {
	s.Helper()
	s.cmd = exec.Command(s.bin, "serve", "--data", s.data, "--listen", "127.0.0.1:0", "--debounce", "200ms")
	s.cmd.Stderr = &s.errors
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		s.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		s.Fatal(err)
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if _, url, ok := strings.Cut(lines.Text(), "status at "); ok {
			s.url = url
			return
		}
	}
	s.Fatal("serve ended without saying where its status is")
}

// kill ends the process as a power cut does.
func (s *service) kill() {
	if s.cmd.ProcessState == nil {
		s.cmd.Process.Kill()
		s.cmd.Wait() // says that it was killed
	}
}

func (s *service) eventually(what string, is func() bool) {
	s.Helper()
	for end := time.Now().Add(2 * time.Minute); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			s.Fatalf("still not: %s", what)
		}
	}
}

// files are the whole objects of a bucket whose names match; what a killed
// process was writing has a name with a dot in front.
func (s *service) files(role, pattern string) []string {
	s.Helper()
	found, err := filepath.Glob(filepath.Join(s.data, role, pattern))
	if err != nil {
		s.Fatal(err)
	}
	return slices.DeleteFunc(found, func(f string) bool { return strings.HasPrefix(filepath.Base(f), ".") })
}

func (s *service) ask(path string, v any) {
	s.Helper()
	resp, err := http.Get(s.url + path)
	if err != nil {
		s.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		s.Fatalf("%s: %s", path, resp.Status)
	}
	if err := json.NewDecoder(resp.Body).Decode(v); err != nil {
		s.Fatalf("%s: %v", path, err)
	}
}

type apiSong struct {
	Song    definition.Song `json:"song"`
	State   string          `json:"state"`
	Parts   int             `json:"parts"`
	LeftOut int             `json:"left_out"`
	Final   string          `json:"final"`
}

func (s *service) song(id definition.Song) apiSong {
	s.Helper()
	var all struct{ Songs []apiSong }
	s.ask("api/songs", &all)
	for _, song := range all.Songs {
		if song.Song == id {
			return song
		}
	}
	return apiSong{}
}

// drop puts a file into raw all at once, as a rename does.
func (s *service) drop(name string, content []byte) {
	s.Helper()
	aside := filepath.Join(s.data, "aside")
	if err := os.WriteFile(aside, content, 0o644); err != nil {
		s.Fatal(err)
	}
	if err := os.Rename(aside, filepath.Join(s.data, definition.BucketRaw, name)); err != nil {
		s.Fatal(err)
	}
}

// heed returns when a file dropped now has been dealt with: it is of another
// song, and no recording.
func (s *service) heed(id string) {
	s.Helper()
	other := definition.Song{Choir: "other", Song: definition.SongID(id)}
	s.drop("other+"+id+"+p.webm", []byte("no film"))
	s.eventually("a file that is no recording is refused", func() bool { return s.song(other).LeftOut == 1 })
}

// finished waits for the song and returns the hash of its only final.
func (s *service) finished(id definition.Song, parts int) string {
	s.Helper()
	var song apiSong
	defer func() {
		if s.Failed() {
			s.Logf("song %+v, renders %+v, finals %q", song, s.renders(id), s.files(definition.BucketFinal, "*"))
		}
	}()
	s.eventually("the song is done", func() bool {
		song = s.song(id)
		return song.Parts == parts && song.State == "done"
	})
	finals := s.files(definition.BucketFinal, "*")
	if song.LeftOut != 0 || len(finals) != 1 || filepath.Base(finals[0]) != song.Final {
		s.Fatalf("song %+v with finals %q", song, finals)
	}
	b, err := os.ReadFile(finals[0])
	if err != nil {
		s.Fatal(err)
	}
	return fmt.Sprintf("%x", sha256.Sum256(b))
}

// made tells when each result was made.
func (s *service) made() map[string]time.Time {
	s.Helper()
	m := map[string]time.Time{}
	for _, role := range definition.Buckets() {
		if role == definition.BucketRaw {
			continue
		}
		for _, file := range s.files(role, "*") {
			st, err := os.Stat(file)
			if err != nil {
				s.Fatal(err)
			}
			m[filepath.Join(role, filepath.Base(file))] = st.ModTime()
		}
	}
	return m
}

type apiRender struct{ Run, State string }

func (s *service) renders(id definition.Song) []apiRender {
	s.Helper()
	var all struct{ Renders []apiRender }
	s.ask(fmt.Sprintf("api/songs/%s/%s/renders", id.Choir, id.Song), &all)
	return all.Renders
}

// halves writes the first half of each file into raw. The rest is written, and
// the files are closed, by calling the result.
func (s *service) halves(content map[string][]byte) (rest func()) {
	s.Helper()
	open := map[string]*os.File{}
	write := func(f *os.File, b []byte) {
		if _, err := f.Write(b); err != nil {
			s.Fatal(err)
		}
	}
	for name, b := range content {
		f, err := os.Create(filepath.Join(s.data, definition.BucketRaw, name))
		if err != nil {
			s.Fatal(err)
		}
		s.Cleanup(func() { f.Close() })
		write(f, b[:len(b)/2])
		open[name] = f
	}
	return func() {
		s.Helper()
		for name, f := range open {
			write(f, content[name][len(content[name])/2:])
			if err := f.Close(); err != nil {
				s.Fatal(err)
			}
		}
	}
}

// A service that is killed finishes the song as if nothing had happened.
func TestServeKilled(t *testing.T) {
	bin := filepath.Join(t.TempDir(), "choirless")
	if out, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	dir, tr := choir(t, "--tiny", "--seconds", "4", "--parts", "3")
	content := map[string][]byte{}
	var id definition.Song
	for _, p := range tr.Parts {
		b, err := os.ReadFile(filepath.Join(dir, p.File))
		if err != nil {
			t.Fatal(err)
		}
		content[p.File] = b
		ids := strings.Split(p.File, "+")
		id = definition.Song{Choir: definition.ChoirID(ids[0]), Song: definition.SongID(ids[1])}
	}
	calm := newService(t, bin)
	for name, b := range content {
		calm.drop(name, b)
	}
	want := calm.finished(id, len(content))
	calm.kill()

	s := newService(t, bin)
	s.heed("zeroth") // the service has begun, and what it does first is over
	rest := s.halves(content)
	s.heed("first") // came later than the halves, and is whole
	if song := s.song(id); song.Parts != 0 {
		t.Fatalf("half-written recordings are taken: %+v", song)
	}
	rest()
	type moment struct{ role, pattern string }
	moments := []moment{
		{definition.BucketConverted, "*.mkv"}, {definition.BucketFinalParts, "*.h264"}, {definition.BucketPreview, "*.mp4"},
	}
	for _, m := range moments {
		s.eventually(m.pattern+" in "+m.role, func() bool { return len(s.files(m.role, m.pattern)) > 0 })
		s.kill()
		t.Logf("killed at %s: %d results", m.role, len(s.made()))
		s.start()
	}
	if got := s.finished(id, len(content)); got != want {
		t.Errorf("the final is %s, undisturbed %s", got, want)
	}
	s.checkIdle(id)
}

// checkIdle starts the service once more, which is to make nothing.
func (s *service) checkIdle(id definition.Song) {
	s.Helper()
	renders := s.renders(id)
	done := 0
	for _, r := range renders {
		if r.State == "done" {
			done++
		}
	}
	if done != 1 {
		s.Errorf("renders %+v, want one done", renders)
	}
	before := s.made()
	s.kill()
	s.start()
	s.heed("last") // by now all of raw has been looked at
	if got := s.renders(id); fmt.Sprint(got) != fmt.Sprint(renders) {
		s.Errorf("renders after another start %+v, before %+v", got, renders)
	}
	after := s.made()
	for name, at := range before {
		if !after[name].Equal(at) {
			s.Errorf("%s was made again or is gone", name)
		}
	}
	for name := range after {
		if _, ok := before[name]; !ok && strings.HasPrefix(filepath.Base(name), string(id.Choir)+"+") {
			s.Errorf("%s is new", name)
		}
	}
}
