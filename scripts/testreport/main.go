// Command testreport reads `go test -json` on standard input and prints what a
// person wants to know: a line per package, the whole output of what failed,
// every skip with its reason, and a closing count. It exits with 1 when
// anything failed, when nothing ran, or, with -strict, when a test was skipped
// for a reason that is not in the allowed list.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"sort"
	"strings"
)

// allowed are the reasons for which a test may be skipped even on a machine
// that has everything: extra media are not part of the repository, and some
// tests only do something when asked by a flag.
var allowed = []string{"extra media", "not asked for"}

type event struct {
	Action, Package, Test, Output string
	ImportPath                    string
	Elapsed                       float64
}

type report struct {
	out                     map[string][]string // output by package and test
	passed, failed, skipped int
	skips                   []string
	bad                     []string // skips that are not allowed
	broken                  bool
}

func main() {
	strict := flag.Bool("strict", false, "fail on skips that are not allowed")
	flag.Parse()
	r := report{out: map[string][]string{}}
	if err := r.read(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "testreport: error:", err)
		os.Exit(1)
	}
	if !r.finish(os.Stdout, *strict) {
		os.Exit(1)
	}
}

func (r *report) read(in io.Reader, w io.Writer) error {
	sc := bufio.NewScanner(in)
	sc.Buffer(nil, 16<<20)
	for sc.Scan() {
		var e event
		if err := json.Unmarshal(sc.Bytes(), &e); err != nil {
			fmt.Fprintln(w, sc.Text()) // not from the test runner: a build error, say
			continue
		}
		r.take(e, w)
	}
	return sc.Err()
}

func (r *report) take(e event, w io.Writer) {
	key := e.Package + " " + e.Test
	switch e.Action {
	case "build-output":
		fmt.Fprint(w, e.Output)
	case "build-fail":
		r.broken = true
	case "output":
		r.out[key] = append(r.out[key], e.Output)
	case "pass", "fail", "skip":
		r.settle(e, key, w)
		delete(r.out, key)
	}
}

func (r *report) settle(e event, key string, w io.Writer) {
	text := strings.Join(r.out[key], "")
	if e.Test == "" {
		if e.Action == "fail" {
			r.broken = true
			fmt.Fprintf(w, "FAIL  %s\n%s", e.Package, text)
		} else if e.Action == "pass" {
			fmt.Fprintf(w, "ok    %s  %.1f s\n", e.Package, e.Elapsed)
		}
		return
	}
	switch e.Action {
	case "pass":
		r.passed++
	case "fail":
		r.failed++
		fmt.Fprintf(w, "FAIL  %s\n%s", key, text)
	case "skip":
		r.skipped++
		reason := skipReason(text)
		line := fmt.Sprintf("skip  %s: %s", key, reason)
		r.skips = append(r.skips, line)
		if !isAllowed(reason) {
			r.bad = append(r.bad, line)
		}
	}
}

// skipReason returns the line a skipped test gave, without the file and line.
func skipReason(text string) string {
	for l := range strings.Lines(text) {
		l = strings.TrimSpace(l)
		if l == "" || strings.HasPrefix(l, "===") || strings.HasPrefix(l, "---") {
			continue
		}
		if _, after, ok := strings.Cut(l, ".go:"); ok {
			if _, msg, ok := strings.Cut(after, ": "); ok {
				return msg
			}
		}
		return l
	}
	return "no reason given"
}

func isAllowed(reason string) bool {
	for _, a := range allowed {
		if strings.Contains(reason, a) {
			return true
		}
	}
	return false
}

func (r *report) finish(w io.Writer, strict bool) bool {
	sort.Strings(r.skips)
	for _, s := range r.skips {
		fmt.Fprintln(w, s)
	}
	ok := r.failed == 0 && !r.broken
	if strict && len(r.bad) > 0 {
		ok = false
		fmt.Fprintf(w, "\n%d tests were skipped that this machine must run:\n%s\n", len(r.bad), strings.Join(r.bad, "\n"))
	}
	if r.passed == 0 {
		ok = false
		fmt.Fprintln(w, "no test ran")
	}
	if r.broken {
		fmt.Fprintln(w, "a package did not build or broke off")
	}
	fmt.Fprintf(w, "\n%d passed, %d failed, %d skipped\n", r.passed, r.failed, r.skipped)
	return ok
}
