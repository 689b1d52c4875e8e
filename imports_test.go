package render

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/choirless/render/"

// mayImport is the house: for every package what of the house it may import.
// Arrows point downwards only; ARCHITECTURE.md draws them.
var mayImport = map[string][]string{
	"media":           {},
	"definition":      {},
	"shaders":         {},
	"internal/av":     {"media"},
	"internal/golden": {"media"},
	"engine/gl":       {},
	"engine":          {"media", "engine/gl", "shaders"},
	"decode":          {"media", "internal/av"},
	"encode":          {"media", "internal/av"},
	"mix/fft":         {},
	"mix":             {"media", "mix/fft"},
	"align":           {"media", "mix/fft", "internal/cores"},
	"stitch":          {"media"},
	"plan":            {"definition", "media", "shaders"},
	"queue":           {},
	"queue/queuetest": {"queue"},
	"bucket":          {},
	"store":           {"definition", "plan", "media"},
	"node":            {"plan", "decode", "engine", "mix", "encode", "stitch", "align", "queue", "bucket", "media", "definition", "internal/cores", "internal/scratch", "internal/trace"},
	"coordinator":     {"plan", "align", "definition", "stitch", "mix", "decode", "encode", "queue", "bucket", "store", "media", "coordinator/status", "internal/trace"},
	// Where a song is, for those who want to know without cgo in their process.
	"coordinator/status": {"definition", "media", "plan", "store"},
	// One machine: what choirless and render-local are made of.
	"local": {"bucket", "coordinator", "definition", "node", "queue", "store"},
	"web":   {"store", "coordinator/status", "definition", "bucket", "plan", "internal/health"},
	// How a deployment's services reach what they share.
	"internal/deployment":      {"bucket", "definition", "queue"},
	"internal/metrics":         {},
	"internal/cores":           {},
	"internal/timerslack":      {},
	"internal/scratch":         {},
	"internal/spot":            {},
	"internal/trace":           {"definition"}, // a trace is a song's
	"internal/trace/tracetest": {},
	// All of it on one machine, as processes, for people and tests.
	"internal/servers":    {},
	"internal/testserver": {"internal/servers"},
	"internal/cluster":    {"internal/servers", "bucket", "queue", "definition", "coordinator/status"},
}

// forbidden are the rules worth a reason of their own: what a package must not
// reach even through others.
var forbidden = []struct{ from, to, why string }{
	{"node", module + "store", "render nodes hold no database credentials"},
	{"coordinator", module + "engine", "the coordinator runs on a small instance without a GL context"},
	{"engine", module + "queue", "engine is tested without a network"},
	{"engine", module + "plan", "engine draws scenes and knows nothing of songs; node translates"},
	{"mix", module + "plan", "mix sums voices and knows nothing of songs; node translates"},
	{"cmd/coordinator", "github.com/go-gl/gl", "the coordinator needs no graphics libraries"},
	{"cmd/render-node", "github.com/jackc/pgx", "render nodes hold no database credentials"},
	{"cmd/render-node", "modernc.org/sqlite", "render nodes hold no database credentials"},
	{"local", "github.com/go-gl/glfw", "servers need no window system"},
	{"cmd/coordinator", module + "internal/servers", "MinIO, fauxqs and the like are for tests and the local cluster"},
	{"cmd/render-node", module + "internal/servers", "MinIO, fauxqs and the like are for tests and the local cluster"},
	{"cmd/choirless", "github.com/go-gl/glfw", "servers need no window system"},
	{"cmd/choirless", "github.com/gordonklaus/portaudio", "servers need no sound card"},
	{"scripts/render-local", module + "internal/timerslack", "the window shows pictures on time"},
}

// mustReach are packages that do their work by being linked, which nothing else
// would miss.
var mustReach = []struct{ from, to, why string }{
	{"cmd/choirless", module + "internal/timerslack", "it decodes and encodes"},
	{"cmd/render-node", module + "internal/timerslack", "it decodes and encodes"},
}

// onlyIn names third-party modules and the packages that may import them.
var onlyIn = []struct {
	prefix string
	in     []string
	why    string
}{
	{"C", []string{"engine/gl", "internal/av", "internal/timerslack"}, "cgo stays where C is the point"},
	{"github.com/asticode/go-astiav", []string{"internal/av", "decode", "encode"}, "libav's lifetimes stay behind three packages"},
	{"github.com/aws/", []string{"queue", "bucket"}, "the SDK stays behind the two interfaces"},
	{"github.com/go-text/", []string{"engine"}, "only the engine writes words"},
	{"github.com/jackc/pgx", []string{"store"}, "SQL stays in store"},
	{"modernc.org/sqlite", []string{"store"}, "SQL stays in store"},
	{"database/sql", []string{"store"}, "SQL stays in store"},
	{"github.com/prometheus/", []string{"node", "coordinator", "internal/metrics"}, "figures belong to the two services"},
	{"go.opentelemetry.io/", []string{"internal/trace", "internal/trace/tracetest"}, "the SDK stays behind one package"},
}

// pureGo are the packages that build without a C compiler.
var pureGo = []string{"media", "definition", "plan", "align", "mix", "stitch", "shaders", "queue", "bucket", "store", "coordinator/status", "web"}

type pkg struct {
	ImportPath string
	Imports    []string
	Deps       []string
}

func packages(t *testing.T) map[string]pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports,Deps", "./...")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	all := map[string]pkg{}
	for dec := json.NewDecoder(out); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all[strings.TrimPrefix(p.ImportPath, module)] = p
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if len(all) < len(mayImport) {
		t.Fatalf("only %d packages listed", len(all))
	}
	return all
}

func TestImports(t *testing.T) {
	all := packages(t)
	for name, allowed := range mayImport {
		p, ok := all[name]
		if !ok {
			t.Errorf("package %s is in the table but not in the tree", name)
			continue
		}
		for _, imp := range p.Imports {
			if short, ours := strings.CutPrefix(imp, module); ours && !slices.Contains(allowed, short) {
				t.Errorf("%s imports %s: not one of %v", name, short, allowed)
			}
		}
	}
	for _, f := range forbidden {
		for _, dep := range all[f.from].Deps {
			if dep == f.to || strings.HasPrefix(dep, f.to+"/") {
				t.Errorf("%s reaches %s: %s", f.from, dep, f.why)
			}
		}
		if _, ok := all[f.from]; !ok {
			t.Errorf("package %s has a rule but is not in the tree", f.from)
		}
	}
	for _, m := range mustReach {
		if !slices.Contains(all[m.from].Deps, m.to) {
			t.Errorf("%s does not reach %s: %s", m.from, m.to, m.why)
		}
	}
	for name, p := range all {
		if strings.HasPrefix(name, "scripts/") {
			continue // tools, not the product
		}
		for _, imp := range p.Imports {
			for _, o := range onlyIn {
				if (imp == o.prefix || (o.prefix != "C" && strings.HasPrefix(imp, o.prefix))) && !slices.Contains(o.in, name) && !strings.HasSuffix(name, "test") {
					t.Errorf("%s imports %s, allowed only in %v: %s", name, imp, o.in, o.why)
				}
			}
		}
	}
}

func TestPureGoPackagesBuildWithoutC(t *testing.T) {
	args := []string{"build"}
	for _, p := range pureGo {
		args = append(args, "./"+p+"/...")
	}
	cmd := exec.Command("go", args...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}
