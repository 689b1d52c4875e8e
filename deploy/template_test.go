// Package deploy holds what an operator needs; the tests keep it in step with the
// code it deploys.
package deploy

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/choirless/render/definition"
)

const template = "cloudformation.yaml"

// document is a template as far as the tests look at it.
type document struct {
	Parameters map[string]any `yaml:"Parameters"`
	Resources  map[string]struct {
		Type       string         `yaml:"Type"`
		Properties map[string]any `yaml:"Properties"`
	} `yaml:"Resources"`
	Outputs map[string]any `yaml:"Outputs"`
}

func load(t *testing.T) (doc document, text string) {
	t.Helper()
	b, err := os.ReadFile(template)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(b, &doc); err != nil {
		t.Fatal(err)
	}
	return doc, string(b)
}

// references calls f with every name that a Ref, Fn::GetAtt or Fn::Sub below v means.
func references(v any, f func(string)) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			references(e, f)
		}
	case map[string]any:
		for k, e := range v {
			switch {
			case k == "Ref":
				f(e.(string))
			case k == "Fn::GetAtt":
				f(e.([]any)[0].(string))
			case k == "Fn::Sub":
				for _, m := range regexp.MustCompile(`\$\{([^}]+)\}`).FindAllStringSubmatch(e.(string), -1) {
					f(m[1])
				}
			default:
				references(e, f)
			}
		}
	}
}

func TestReferences(t *testing.T) {
	doc, _ := load(t)
	check := func(in string) func(string) {
		return func(name string) {
			_, resource := doc.Resources[name]
			_, parameter := doc.Parameters[name]
			if !resource && !parameter && !strings.HasPrefix(name, "AWS::") {
				t.Errorf("%s refers to %q, which is nothing", in, name)
			}
		}
	}
	for name, r := range doc.Resources {
		references(r.Properties, check(name))
	}
	for name, o := range doc.Outputs {
		references(o, check("output "+name))
	}
}

// TestBuckets: every role has a bucket that nobody else can read, where given up
// uploads end, and raw and definition announce their objects.
func TestBuckets(t *testing.T) {
	doc, _ := load(t)
	var roles []string
	for name, r := range doc.Resources {
		if r.Type != "AWS::S3::Bucket" {
			continue
		}
		full := r.Properties["BucketName"].(map[string]any)["Fn::Sub"].(string)
		role, ok := strings.CutPrefix(full, "${Prefix}")
		if !ok {
			t.Errorf("%s is called %q", name, full)
		}
		roles = append(roles, role)
		for _, want := range []string{"PublicAccessBlockConfiguration", "BucketEncryption", "LifecycleConfiguration"} {
			if r.Properties[want] == nil {
				t.Errorf("bucket %s lacks %s", role, want)
			}
		}
		_, announces := r.Properties["NotificationConfiguration"]
		if want := role == definition.BucketRaw || role == definition.BucketDefinition; announces != want {
			t.Errorf("bucket %s announces objects: %v, want %v", role, announces, want)
		}
	}
	want := definition.Buckets()
	slices.Sort(want)
	slices.Sort(roles)
	if !slices.Equal(roles, want) {
		t.Errorf("buckets %v, want %v", roles, want)
	}
}

func TestQueues(t *testing.T) {
	doc, _ := load(t)
	for _, name := range []string{"Events", "Assignments", "Reports"} {
		q := doc.Resources[name+"Queue"].Properties
		redrive, ok := q["RedrivePolicy"].(map[string]any)
		if !ok || redrive["maxReceiveCount"] != 10 {
			t.Errorf("%s: redrive %v", name, q["RedrivePolicy"])
			continue
		}
		references(redrive, func(dead string) {
			if dead != name+"DeadQueue" {
				t.Errorf("dead letters of %s go to %s", name, dead)
			}
		})
	}
}

// rights maps the calls of the SDK to the actions they need. HeadObject of a missing
// object is a 404, and not a 403, only for who may list the bucket.
var rights = map[string][]string{
	"GetObject":                 {"s3:GetObject"},
	"HeadObject":                {"s3:GetObject", "s3:ListBucket"},
	"NewListObjectsV2Paginator": {"s3:ListBucket"},
	"DeleteObject":              {"s3:DeleteObject"},
	"UploadObject":              {"s3:PutObject", "s3:AbortMultipartUpload"},
	"PresignGetObject":          {"s3:GetObject"},
	"PresignPutObject":          {"s3:PutObject"},
	"SendMessage":               {"sqs:SendMessage"},
	"SendMessageBatch":          {"sqs:SendMessage"},
	"ReceiveMessage":            {"sqs:ReceiveMessage"},
	"DeleteMessage":             {"sqs:DeleteMessage"},
	"DeleteMessageBatch":        {"sqs:DeleteMessage"},
	"ChangeMessageVisibility":   {"sqs:ChangeMessageVisibility"},
	"GetQueueAttributes":        {"sqs:GetQueueAttributes"},
	"GetQueueUrl":               {"sqs:GetQueueUrl"},
	// Only tests and local clusters make buckets and queues.
	"CreateBucket": nil, "PutBucketNotificationConfiguration": nil, "CreateQueue": nil,
}

// calls are the calls of the SDK's clients in a package of ours.
func calls(t *testing.T, dir string) (names []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		tree, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			f, ok := call.Fun.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			switch on := f.X.(type) {
			case *ast.SelectorExpr: // b.client.GetObject
				if slices.Contains([]string{"client", "upload", "presign"}, on.Sel.Name) {
					names = append(names, f.Sel.Name)
				}
			case *ast.Ident: // s3.NewListObjectsV2Paginator
				if strings.HasSuffix(f.Sel.Name, "Paginator") {
					names = append(names, f.Sel.Name)
				}
			}
			return true
		})
	}
	return names
}

// statement is one of a policy.
type statement struct {
	actions   []string
	resources []string // bucket roles, and names of queue resources
}

func policy(t *testing.T, doc document, name string) (all []statement) {
	t.Helper()
	r, ok := doc.Resources[name+"Policy"]
	if !ok {
		t.Fatalf("no policy of %s", name)
	}
	for _, s := range r.Properties["PolicyDocument"].(map[string]any)["Statement"].([]any) {
		var st statement
		for _, a := range s.(map[string]any)["Action"].([]any) {
			st.actions = append(st.actions, a.(string))
		}
		for _, res := range s.(map[string]any)["Resource"].([]any) {
			switch r := res.(map[string]any); {
			case r["Fn::Sub"] != nil:
				_, role, _ := strings.Cut(r["Fn::Sub"].(string), "${Prefix}")
				st.resources = append(st.resources, role)
			default:
				references(res, func(n string) { st.resources = append(st.resources, n) })
			}
		}
		all = append(all, st)
	}
	return all
}

// TestPoliciesAreWhatTheCodeCalls: coordinator and node together may do what bucket
// and queue call, and nothing else.
func TestPoliciesAreWhatTheCodeCalls(t *testing.T) {
	doc, _ := load(t)
	need := map[string]bool{}
	for _, dir := range []string{"bucket", "queue"} {
		found := calls(t, dir)
		if len(found) == 0 {
			t.Fatalf("no calls found in %s", dir)
		}
		for _, c := range found {
			actions, known := rights[c]
			if !known && c != "Options" {
				t.Errorf("%s calls %s, of which the test does not know what right it needs", dir, c)
			}
			for _, a := range actions {
				need[a] = true
			}
		}
	}
	have := map[string]bool{}
	for _, who := range []string{"Coordinator", "Node"} {
		for _, s := range policy(t, doc, who) {
			for _, a := range s.actions {
				have[a] = true
			}
		}
	}
	for a := range need {
		if !have[a] {
			t.Errorf("the code needs %s, which nobody has", a)
		}
	}
	for a := range have {
		if !need[a] {
			t.Errorf("somebody has %s, which no code needs", a)
		}
	}
}

// TestWhoMayWhat: rights on single buckets and queues that must be there, and that
// must not.
func TestWhoMayWhat(t *testing.T) {
	doc, _ := load(t)
	may := func(who, action, resource string) bool {
		return slices.ContainsFunc(policy(t, doc, who), func(s statement) bool {
			return slices.Contains(s.actions, action) && slices.Contains(s.resources, resource)
		})
	}
	for _, c := range []struct {
		who, action, resource string
		want                  bool
	}{
		{"Node", "s3:GetObject", "raw/*", true},
		{"Node", "s3:PutObject", "raw/*", false},
		{"Node", "s3:PutObject", "converted/*", true},
		{"Node", "s3:PutObject", "final-parts/*", true},
		{"Node", "s3:PutObject", "final/*", false},
		{"Node", "s3:GetObject", "definition/*", false},
		{"Node", "sqs:ReceiveMessage", "AssignmentsQueue", true},
		{"Node", "sqs:SendMessage", "AssignmentsQueue", false},
		{"Node", "sqs:ReceiveMessage", "EventsQueue", false},
		{"Coordinator", "s3:PutObject", "raw/*", false},
		{"Coordinator", "s3:DeleteObject", "raw/*", false},
		{"Coordinator", "s3:DeleteObject", "final/*", false},
		{"Coordinator", "s3:PutObject", "final/*", true},
		{"Coordinator", "sqs:SendMessage", "AssignmentsQueue", true},
		{"Coordinator", "sqs:GetQueueAttributes", "ReportsDeadQueue", true},
		{"Uploader", "s3:PutObject", "raw/*", true},
		{"Uploader", "s3:GetObject", "raw/*", false},
		{"Uploader", "s3:PutObject", "definition/*", false},
	} {
		if got := may(c.who, c.action, c.resource); got != c.want {
			t.Errorf("%s may %s on %s: %v, want %v", c.who, c.action, c.resource, got, c.want)
		}
	}
	// Nobody may do anything to everything.
	_, text := load(t)
	if regexp.MustCompile(`Action: \[[^\]]*\*|Resource: *"?\*`).MatchString(text) {
		t.Error("a right on everything")
	}
}

// TestUnits: systemd can read the units, and they start our programs with settings
// that exist.
func TestUnits(t *testing.T) {
	for _, program := range []string{"coordinator", "render-node"} {
		unit := fmt.Sprintf("choirless-%s.service", program)
		text, err := os.ReadFile(unit)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), "ExecStart=/usr/local/bin/"+program+"\n") {
			t.Errorf("%s does not start %s", unit, program)
		}
		readme, err := os.ReadFile("../README.md")
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`CHOIRLESS_[A-Z_]+`).FindAllString(string(text), -1) {
			if !strings.Contains(string(readme), "`"+m+"`") {
				t.Errorf("%s sets %s, which README.md does not know", unit, m)
			}
		}
		t.Run(program, func(t *testing.T) {
			verify, err := exec.LookPath("systemd-analyze")
			if err != nil {
				t.Skip("no systemd-analyze: install systemd")
			}
			// A copy that starts a program that is there.
			copied := filepath.Join(t.TempDir(), unit)
			there := strings.ReplaceAll(string(text), "/usr/local/bin/"+program, "/bin/true")
			if err := os.WriteFile(copied, []byte(there), 0o666); err != nil {
				t.Fatal(err)
			}
			if out, err := exec.Command(verify, "verify", "--man=no", copied).CombinedOutput(); err != nil || len(out) > 0 {
				t.Errorf("%s: %v\n%s", unit, err, out)
			}
		})
	}
}

// TestContainer: the image has the libraries the programs are linked with, by the
// names of the packages scripts/setup builds against.
func TestContainer(t *testing.T) {
	text, err := os.ReadFile("Containerfile")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"libavcodec", "libavformat", "libavfilter", "libavdevice", "libavutil", "libswscale", "libswresample", "libegl1", "libgl1", "libgl1-mesa-dri"} {
		if !regexp.MustCompile(`[ \n]` + want + `[0-9]*[ \n]`).Match(text) {
			t.Errorf("Containerfile lacks %s", want)
		}
	}
	// What listens on a container's loopback address nobody can reach.
	if !regexp.MustCompile(`(?s)CHOIRLESS_LISTEN=0\.0\.0\.0:8080\n.*EXPOSE 8080\n`).Match(text) {
		t.Error("Containerfile does not listen on the port that it exposes")
	}
}
