package servers

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
)

// Missing is the error for a program that is not installed.
type Missing struct{ What, Hint string }

func (e *Missing) Error() string { return fmt.Sprintf("%s is not installed: %s", e.What, e.Hint) }

// Root returns the folder of this repository, where the tests and the local
// cluster find what was built and installed.
func Root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..")
}

// installed returns the path of something scripts/servers installed.
func installed(name string) (string, error) {
	path := filepath.Join(Root(), ".prefix", name)
	if _, err := os.Stat(path); err != nil {
		return "", &Missing{filepath.Base(name), "run scripts/servers"}
	}
	return path, nil
}

// FreeAddress returns an address of 127.0.0.1 that nobody listens on just now.
func FreeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// Answers returns a Ready function: url is answered with 200.
func Answers(url string) func(context.Context) error { return answers(url, http.StatusOK) }

func answers(url string, want ...int) func(context.Context) error {
	return func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		resp.Body.Close()
		for _, code := range want {
			if resp.StatusCode == code {
				return nil
			}
		}
		return fmt.Errorf("%s: %s", url, resp.Status)
	}
}
