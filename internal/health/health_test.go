package health

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

func TestServe(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	down := errors.New("no answer")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- ServeListener(ctx, l, WithAbout(Handler(Check{"up", func(context.Context) error { return nil }}, Check{"queue", func(context.Context) error { return down }}), func() any { return map[string]string{"encoder": "x264"} }))
	}()
	for path, want := range map[string]struct {
		code int
		text string
	}{"/healthz": {200, "ok"}, "/readyz": {503, "queue: no answer"}, "/other": {404, ""}, "/about": {200, `"encoder": "x264"`}} {
		r, err := http.Get("http://" + l.Addr().String() + path)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(r.Body)
		r.Body.Close()
		if r.StatusCode != want.code || !strings.Contains(string(b), want.text) {
			t.Errorf("%s: %d %q, want %d %q", path, r.StatusCode, b, want.code, want.text)
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
