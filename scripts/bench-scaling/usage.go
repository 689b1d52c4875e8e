package main

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// usage is CPU time in seconds by who used it.
type usage map[string]float64

// String names those that used most, the nodes left out.
func (u usage) String() string {
	names := slices.SortedFunc(maps.Keys(u), func(a, b string) int { return cmp.Compare(u[b], u[a]) })
	var all []string
	for _, n := range names {
		if n != "nodes" && u[n] >= 0.05 {
			all = append(all, fmt.Sprintf("%s %.2f s", n, u[n]))
		}
	}
	return strings.Join(all, ", ")
}

// sample is what was used up to a moment.
type sample struct {
	at   time.Time
	used usage
}

// sampleEvery is short beside a cell; reading /proc takes a millisecond.
const sampleEvery = time.Second

// watch samples the CPU time of this process and all below it until stop is called.
func (b *bench) watch() (stop func() []sample) {
	end, done := make(chan struct{}), make(chan []sample)
	go func() {
		var all []sample
		tick := time.NewTicker(sampleEvery)
		defer tick.Stop()
		for {
			all = append(all, sample{time.Now(), b.spent()})
			select {
			case <-end:
				done <- append(all, sample{time.Now(), b.spent()})
				return
			case <-tick.C:
			}
		}
	}()
	return func() []sample { close(end); return <-done }
}

// between is what was used from one moment to another, to the next sample.
func between(all []sample, from, to time.Time) usage {
	at := func(t time.Time) usage {
		i := slices.IndexFunc(all, func(s sample) bool { return s.at.After(t) })
		if i < 0 {
			i = len(all) - 1
		}
		return all[i].used
	}
	u, before := usage{}, at(from)
	for name, v := range at(to) {
		u[name] = v - before[name]
	}
	return u
}

// process is what proc(5) says of one.
type process struct {
	name   string
	parent int
	cpu    float64 // seconds
}

// spent returns the CPU time so far of this process and of those it has started,
// and they.
func (b *bench) spent() usage {
	all := map[int]process{}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is well formed
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if p, ok := parseStat(string(text)); ok && err == nil {
			all[pid] = p
		}
	}
	ours := map[int]string{os.Getpid(): "bench-scaling"}
	for _, name := range b.Names() {
		who := name
		if strings.HasPrefix(name, "node-") {
			who = "nodes"
		}
		if b.Running(name) {
			ours[b.Pid(name)] = who
		}
	}
	u := usage{}
	for pid, p := range all {
		who := ours[pid]
		for up := p.parent; who == "" && up > 1; up = all[up].parent {
			who = ours[up]
		}
		if who != "" {
			u[who] += p.cpu
		}
	}
	return u
}

// parseStat reads name, parent and the user and system time, in ticks of 10 ms: fields
// 2, 4, 14 and 15. The name is in brackets and may hold anything.
func parseStat(text string) (p process, ok bool) {
	open, end := strings.IndexByte(text, '('), strings.LastIndexByte(text, ')')
	if open < 0 || end < open {
		return p, false
	}
	f := strings.Fields(text[end+1:])
	if len(f) < 13 {
		return p, false
	}
	p.name = text[open+1 : end]
	var user, system float64
	if _, err := fmt.Sscan(f[1]+" "+f[11]+" "+f[12], &p.parent, &user, &system); err != nil {
		return p, false
	}
	p.cpu = (user + system) / 100
	return p, true
}
