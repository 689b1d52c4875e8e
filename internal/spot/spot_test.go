package spot

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

// imds is a metadata service, version 2, as the user guide describes it.
type imds struct {
	mu            sync.Mutex
	token         string // the one that is valid
	tokens        int
	final, advice string
}

func (s *imds) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Method == http.MethodPut && r.URL.Path == "/latest/api/token" {
		if r.Header.Get("X-aws-ec2-metadata-token-ttl-seconds") == "" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		s.tokens++
		s.token = fmt.Sprint("token", s.tokens)
		fmt.Fprint(w, s.token)
		return
	}
	if s.token == "" || r.Header.Get("X-aws-ec2-metadata-token") != s.token {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	body := map[string]string{
		"/latest/meta-data/spot/instance-action":             s.final,
		"/latest/meta-data/events/recommendations/rebalance": s.advice,
	}[r.URL.Path]
	if body == "" {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	fmt.Fprint(w, body)
}

func (s *imds) set(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

func TestNotices(t *testing.T) {
	s := &imds{}
	server := httptest.NewServer(s)
	defer server.Close()
	heard := make(chan Notice, 10)
	done := make(chan struct{})
	w := &Watcher{Address: server.URL, Every: 5 * time.Millisecond, Log: slog.New(slog.DiscardHandler)}
	go func() {
		defer close(done)
		w.Watch(t.Context(), func(n Notice) { heard <- n })
	}()
	// Another process's token does not end ours for good.
	s.set(func() { s.token = "" })
	s.set(func() { s.advice = `{"noticeTime": "2026-11-05T08:22:00Z"}` })
	at := time.Date(2026, 11, 5, 8, 22, 0, 0, time.UTC)
	if n := <-heard; n != (Notice{false, "rebalance", at}) {
		t.Errorf("heard %+v", n)
	}
	s.set(func() { s.final = `{"action": "terminate", "time": "2026-11-05T08:22:00Z"}` })
	if n := <-heard; n != (Notice{true, "terminate", at}) {
		t.Errorf("heard %+v", n)
	}
	<-done
	if len(heard) > 0 {
		t.Errorf("heard more: %+v", <-heard)
	}
}
