package chaos

import (
	"bytes"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"time"
)

// trouble is what a server's clients suffer.
type trouble string

const (
	noTrouble trouble = ""
	answer500 trouble = "500"
	answer503 trouble = "503"
	slow      trouble = "slow" // a second or two for every request
	cut       trouble = "cut"  // connections end in the middle
	mixed     trouble = "mixed"
)

// listen serves a handler on a free port.
func listen(h http.Handler) (stop func(), at string, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, "", err
	}
	s := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Serve(l) }()
	return func() { _ = s.Close(); <-done }, "http://" + l.Addr().String(), nil
}

// forward passes requests on as they are, signatures included.
func forward(to string, done func(*http.Response)) (http.Handler, error) {
	u, err := url.Parse(to)
	if err != nil {
		return nil, err
	}
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(u)
			r.Out.Host = r.In.Host
		},
		ModifyResponse: func(r *http.Response) error { done(r); return nil },
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) {
			hangUp(w) // as the server does that is not there
		},
		ErrorLog: nil,
	}, nil
}

// hangUp ends a connection without an answer.
func hangUp(w http.ResponseWriter) {
	if c, _, err := http.NewResponseController(w).Hijack(); err == nil {
		c.Close()
	}
}

// s3Proxy stands between the services and the object store.
type s3Proxy struct {
	next  http.Handler
	close func()

	mu      sync.Mutex
	trouble trouble
	random  *rand.Rand
	written map[string]map[string]bool // ETags by key, in the final bucket
}

func newS3Proxy(to string) (*s3Proxy, string, error) {
	p := &s3Proxy{written: map[string]map[string]bool{}, random: rand.New(rand.NewPCG(1, 1))}
	var at string
	var err error
	if p.next, err = forward(to, p.note); err != nil {
		return nil, "", err
	}
	p.close, at, err = listen(p)
	return p, at, err
}

// note remembers what was written to the final bucket.
func (p *s3Proxy) note(r *http.Response) {
	key, ok := strings.CutPrefix(r.Request.URL.Path, "/choirless-final/")
	if !ok || r.Request.Method != http.MethodPut || r.StatusCode != http.StatusOK {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.written[key] == nil {
		p.written[key] = map[string]bool{}
	}
	p.written[key][r.Header.Get("ETag")] = true
}

// finals returns the ETags of all that was written to a key of the final bucket.
func (p *s3Proxy) finals(key string) map[string]bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.written[key]
}

func (p *s3Proxy) set(t trouble, seed uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.trouble, p.random = t, rand.New(rand.NewPCG(seed, 2))
}

func (p *s3Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	t, share := p.trouble, p.random.Float64()
	if t == mixed {
		t = []trouble{answer500, answer503, slow, cut, noTrouble}[p.random.IntN(5)]
	}
	p.mu.Unlock()
	switch t {
	case answer500, answer503:
		code := map[trouble]int{answer500: http.StatusInternalServerError, answer503: http.StatusServiceUnavailable}[t]
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(code)
		_, _ = io.WriteString(w, `<?xml version="1.0" encoding="UTF-8"?><Error><Code>InternalError</Code><Message>trouble</Message></Error>`)
	case slow:
		time.Sleep(time.Second + time.Duration(share*float64(time.Second)))
		p.next.ServeHTTP(w, r)
	case cut:
		if share < 0.5 { // before the server hears of it, or after
			p.next.ServeHTTP(&nowhere{header: http.Header{}}, r)
		}
		hangUp(w)
	default:
		p.next.ServeHTTP(w, r)
	}
}

// nowhere is where an answer goes that the client does not get.
type nowhere struct{ header http.Header }

func (n *nowhere) Header() http.Header         { return n.header }
func (n *nowhere) Write(b []byte) (int, error) { return len(b), nil }
func (n *nowhere) WriteHeader(int)             {}

// sqsProxy stands between the services and the queues.
type sqsProxy struct {
	to    string
	next  http.Handler
	close func()

	mu     sync.Mutex
	twice  bool // every message is sent twice
	late   bool // every message is late by up to maxLate seconds, so that others overtake it
	random *rand.Rand
}

const maxLate = 2

func newSQSProxy(to string) (*sqsProxy, string, error) {
	p := &sqsProxy{to: to, random: rand.New(rand.NewPCG(1, 1))}
	var at string
	var err error
	if p.next, err = forward(to, func(*http.Response) {}); err != nil {
		return nil, "", err
	}
	p.close, at, err = listen(p)
	return p, at, err
}

func (p *sqsProxy) set(twice, late bool, seed uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.twice, p.late, p.random = twice, late, rand.New(rand.NewPCG(seed, 3))
}

func (p *sqsProxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !strings.HasPrefix(r.Header.Get("X-Amz-Target"), "AmazonSQS.SendMessage") {
		p.next.ServeHTTP(w, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		hangUp(w)
		return
	}
	p.mu.Lock()
	twice := p.twice
	again := body
	if p.late {
		body, again = p.delayed(body), p.delayed(body)
	}
	p.mu.Unlock()
	if twice {
		extra := r.Clone(r.Context())
		extra.Body, extra.ContentLength = io.NopCloser(bytes.NewReader(again)), int64(len(again))
		p.next.ServeHTTP(&nowhere{header: http.Header{}}, extra)
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	p.next.ServeHTTP(w, r)
}

// delayed gives the messages of a request delays of their own.
func (p *sqsProxy) delayed(body []byte) []byte {
	var m map[string]any
	if json.Unmarshal(body, &m) != nil {
		return body
	}
	if all, ok := m["Entries"].([]any); ok {
		for _, e := range all {
			e.(map[string]any)["DelaySeconds"] = p.random.IntN(maxLate + 1)
		}
	} else {
		m["DelaySeconds"] = p.random.IntN(maxLate + 1)
	}
	out, err := json.Marshal(m)
	if err != nil {
		return body
	}
	return out
}
