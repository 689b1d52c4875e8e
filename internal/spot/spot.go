// Package spot hears of the end of a machine that EC2 lends out of its spare
// capacity (a Spot Instance): two minutes before it is taken away the instance's
// metadata service says so, and some time earlier, perhaps, that it is at risk.
//
// Specification: Amazon EC2 User Guide, "Spot Instance interruption notices"
// (latest/meta-data/spot/instance-action), "EC2 instance rebalance recommendations"
// (latest/meta-data/events/recommendations/rebalance), "Use the Instance Metadata
// Service to access instance metadata" (version 2: a token by PUT first).
package spot

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"
)

// Amazon is the address of the metadata service on EC2.
const Amazon = "http://169.254.169.254"

const (
	// Every is how often to ask; the user guide recommends 5 seconds.
	Every      = 5 * time.Second
	tokenTTL   = 6 * time.Hour
	askTime    = 2 * time.Second
	mostAnswer = 64 << 10
	noticePath = "/latest/meta-data/spot/instance-action"
	advicePath = "/latest/meta-data/events/recommendations/rebalance"
)

// Notice is what the metadata service has to say.
type Notice struct {
	// Final: the machine goes at Time. Otherwise it is at risk since Time, and may go
	// on for long, or be interrupted next.
	Final  bool
	Action string // terminate, stop or hibernate; "rebalance" when at risk
	Time   time.Time
}

// Watcher asks a metadata service. Not safe for concurrent use.
type Watcher struct {
	// Address of the service, such as Amazon.
	Address string
	// Every is how often to ask.
	Every time.Duration
	Log   *slog.Logger

	token   string
	expires time.Time
}

// Watch calls heard for the first recommendation and for the notice, after which it
// returns; otherwise it returns when ctx ends. A service that does not answer is asked
// again: it must not stop a node that runs elsewhere.
func (w *Watcher) Watch(ctx context.Context, heard func(Notice)) {
	tick := time.NewTicker(w.Every)
	defer tick.Stop()
	advised, failed := false, false
	for {
		final, advice, err := w.ask(ctx)
		switch {
		case err != nil && ctx.Err() == nil && !failed:
			failed = true // once, not every five seconds
			w.Log.Warn("the instance metadata service does not answer", "address", w.Address, "error", err)
		case err == nil:
			failed = false
		}
		if final != nil {
			heard(*final)
			return
		}
		if advice != nil && !advised {
			advised = true
			heard(*advice)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// ask returns what there is; nil is what there is not.
func (w *Watcher) ask(ctx context.Context) (final, advice *Notice, err error) {
	body, err := w.get(ctx, noticePath)
	if err == nil && body != nil {
		var n struct {
			Action string    `json:"action"`
			Time   time.Time `json:"time"`
		}
		if err := json.Unmarshal(body, &n); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", noticePath, err)
		}
		return &Notice{Final: true, Action: n.Action, Time: n.Time}, nil, nil
	}
	body, err2 := w.get(ctx, advicePath)
	if err2 == nil && body != nil {
		var n struct {
			Time time.Time `json:"noticeTime"`
		}
		if err := json.Unmarshal(body, &n); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", advicePath, err)
		}
		advice = &Notice{Action: "rebalance", Time: n.Time}
	}
	return nil, advice, errors.Join(err, err2)
}

// get returns the body of an answer, nil for 404.
func (w *Watcher) get(ctx context.Context, path string) ([]byte, error) {
	if w.token == "" || time.Now().After(w.expires) {
		token, code, err := w.do(ctx, http.MethodPut, "/latest/api/token", "X-aws-ec2-metadata-token-ttl-seconds",
			fmt.Sprint(int(tokenTTL.Seconds())))
		if err != nil || code != http.StatusOK {
			return nil, errors.Join(err, status("/latest/api/token", code))
		}
		w.token, w.expires = strings.TrimSpace(string(token)), time.Now().Add(tokenTTL/2)
	}
	body, code, err := w.do(ctx, http.MethodGet, path, "X-aws-ec2-metadata-token", w.token)
	switch {
	case err != nil:
		return nil, err
	case code == http.StatusNotFound:
		return nil, nil
	case code == http.StatusUnauthorized:
		w.token = "" // another one next time
	case code == http.StatusOK:
		return bytes.TrimSpace(body), nil
	}
	return nil, status(path, code)
}

func status(path string, code int) error {
	if code == 0 {
		return nil
	}
	return fmt.Errorf("%s: status %d", path, code)
}

func (w *Watcher) do(ctx context.Context, method, path, header, value string) ([]byte, int, error) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(w.Address, "/")+path, nil)
	if err != nil {
		return nil, 0, err
	}
	req.Header.Set(header, value)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, 0, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, mostAnswer))
	return body, resp.StatusCode, err
}
