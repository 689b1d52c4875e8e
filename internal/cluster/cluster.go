// Package cluster is the whole of Choirless Render on one machine, as processes of
// their own over independent servers: PostgreSQL, MinIO with its notifications,
// fauxqs, coordinators and render nodes. `make cluster` shows it to people; the
// integration tests start it, kill, stop and restart what is in it by name, and
// look at what comes out.
//
//	c, err := cluster.Start(ctx, cluster.Options{Nodes: 2})
//	defer c.Close()
//	err = c.Upload(ctx, "choir+song+part.webm", recording)
//	err = c.Kill("node-1")
//	err = c.Restart(ctx, "node-1")
//
// The names are postgres, minio, fauxqs, coordinator-1…, node-1…. Ports and data
// stay what they were over a restart, except that fauxqs forgets its messages, as
// no real queue does; the coordinator's sweep sends them again.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"

	"github.com/choirless/render/bucket"
	"github.com/choirless/render/definition"
	"github.com/choirless/render/internal/servers"
	"github.com/choirless/render/queue"
)

// Options of Start; zero values mean the stated defaults.
type Options struct {
	// Dir holds everything the cluster writes, and keeps it for the next time; ""
	// is a new folder that Close removes. Sockets are in it, so its path must be
	// short; as root, other users must be able to enter its parents.
	Dir string
	// Bin is the folder of the programs coordinator and render-node; "" is bin in
	// this repository, where make build puts them.
	Bin string
	// Coordinators and Nodes are how many there are at first; 0 is one and two,
	// None is none.
	Coordinators, Nodes int
	// CoordinatorArgs and NodeArgs are flags after our own, NodeEnv is added to
	// the environment of the nodes.
	CoordinatorArgs, NodeArgs, NodeEnv []string
	// S3Proxy and SQSProxy, where set, are called with the address of the server
	// and return the address the coordinators and nodes are given. Notifications
	// and Buckets stay direct.
	S3Proxy, SQSProxy func(address string) (string, error)
	// Event, where set, says what becomes of a notification on its way to the
	// events queue: the messages to send instead, none to lose it. It may wait.
	Event func(body []byte) [][]byte
}

// None is no coordinator or no node.
const None = -1

// Queues of the cluster.
const (
	EventsQueue      = "choirless-events"
	AssignmentsQueue = "choirless-assignments"
	ReportsQueue     = "choirless-reports"
	// deliveries is after how many a message becomes a dead letter. Work that
	// fails is acknowledged with a report, so only what kills its node comes here.
	deliveries = 10
)

// bucketPrefix is the services' default.
const bucketPrefix = "choirless-"

// Cluster is a running cluster. Safe for concurrent use.
type Cluster struct {
	// Dir holds everything; a process's log is in logs.
	Dir string
	// Database is the connection string, S3 and SQS the addresses of the servers.
	Database string
	S3       servers.S3
	SQS      string
	// Buckets are the buckets by role, without a proxy between.
	Buckets bucket.Buckets

	o        Options
	s3, sqs  string // addresses the services are given
	bridge   *bridge
	queues   *queue.SQSServer
	temp     bool // Dir is ours to remove
	postgres *servers.Postgres

	mu      sync.Mutex
	order   []string // names, as started first
	servers map[string]servers.Server
	running map[string]*servers.Process // the newest of each name, perhaps ended
	urls    map[string]string           // of coordinators and nodes
}

// Start starts a cluster. Ended it is by Close only; ctx bounds the start.
func Start(ctx context.Context, o Options) (c *Cluster, err error) {
	if o.Coordinators == 0 {
		o.Coordinators = 1
	}
	if o.Nodes == 0 {
		o.Nodes = 2
	}
	if o.Bin == "" {
		o.Bin = filepath.Join(servers.Root(), "bin")
	}
	c = &Cluster{
		o: o, servers: map[string]servers.Server{}, running: map[string]*servers.Process{}, urls: map[string]string{},
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("cluster: %w", err), c.Close())
			c = nil
		}
	}()
	if err := c.folders(); err != nil {
		return c, err
	}
	if err := c.startServers(ctx); err != nil {
		return c, err
	}
	for range max(0, o.Coordinators) {
		if _, err := c.AddCoordinator(ctx); err != nil {
			return c, err
		}
	}
	for range max(0, o.Nodes) {
		if _, err := c.AddNode(ctx); err != nil {
			return c, err
		}
	}
	return c, nil
}

func (c *Cluster) folders() (err error) {
	if c.Dir = c.o.Dir; c.Dir == "" {
		c.temp = true
		if c.Dir, err = os.MkdirTemp("", "choir-cluster-"); err != nil {
			return err
		}
	} else if c.Dir, err = filepath.Abs(c.Dir); err != nil {
		return err
	}
	for _, d := range []string{"postgres", "minio", "events", "fauxqs", "scratch", "logs"} {
		if err := os.MkdirAll(filepath.Join(c.Dir, d), 0o755); err != nil {
			return err
		}
	}
	return os.Chmod(c.Dir, 0o711) // PostgreSQL's user must pass through
}

// startServers starts what the services stand on, and makes buckets, queues and
// notifications.
func (c *Cluster) startServers(ctx context.Context) (err error) {
	if c.bridge, err = newBridge(c.o.Event); err != nil {
		return err
	}
	var minio, fauxqs servers.Server
	if c.postgres, err = servers.NewPostgres(ctx, filepath.Join(c.Dir, "postgres"), !c.temp); err != nil {
		return err
	}
	if minio, c.S3, err = servers.MinIO(filepath.Join(c.Dir, "minio"),
		servers.MinIOHook(c.bridge.url, filepath.Join(c.Dir, "events"))...); err != nil {
		return err
	}
	if fauxqs, c.SQS, err = servers.Fauxqs(filepath.Join(c.Dir, "fauxqs")); err != nil {
		return err
	}
	for _, s := range []servers.Server{c.postgres.Server, minio, fauxqs} {
		if s.Name != "postgres" { // its log must be where its user may write
			s.Log = c.logFile(s.Name)
		}
		if err := c.start(ctx, s); err != nil {
			return err
		}
	}
	if err := c.postgres.CreateDatabase(ctx, "choirless"); err != nil {
		return err
	}
	c.Database = c.postgres.URL("choirless")
	if c.queues, err = queue.DialSQS(ctx, queue.SQSOptions{
		Endpoint: c.SQS, Region: c.S3.Region, AccessKey: c.S3.AccessKey, SecretKey: c.S3.SecretKey,
	}); err != nil {
		return err
	}
	if err := c.makeQueues(ctx); err != nil {
		return err
	}
	if err := c.makeBuckets(ctx); err != nil {
		return err
	}
	c.s3, c.sqs = c.S3.Endpoint, c.SQS
	if c.o.S3Proxy != nil {
		if c.s3, err = c.o.S3Proxy(c.s3); err != nil {
			return err
		}
	}
	if c.o.SQSProxy != nil {
		if c.sqs, err = c.o.SQSProxy(c.sqs); err != nil {
			return err
		}
	}
	return nil
}

func (c *Cluster) makeQueues(ctx context.Context) error {
	for _, name := range []string{EventsQueue, AssignmentsQueue, ReportsQueue} {
		q, err := c.queues.Create(ctx, name, deliveries)
		if err != nil {
			return err
		}
		if name == EventsQueue {
			c.bridge.connect(q)
		}
	}
	return nil
}

// Queue opens one of the cluster's queues, or with "-dead" behind its name the
// dead letters of one, without a proxy between.
func (c *Cluster) Queue(ctx context.Context, name string) (*queue.SQS, error) {
	return c.queues.Open(ctx, name)
}

func (c *Cluster) makeBuckets(ctx context.Context) error {
	s3, err := bucket.DialS3(ctx, bucket.S3Options{
		Endpoint: c.S3.Endpoint, Region: c.S3.Region, AccessKey: c.S3.AccessKey, SecretKey: c.S3.SecretKey,
	})
	if err != nil {
		return err
	}
	c.Buckets = bucket.Buckets{}
	for _, role := range definition.Buckets() {
		if c.Buckets[role], err = s3.Create(ctx, bucketPrefix+role); err != nil {
			return err
		}
	}
	for _, role := range []string{definition.BucketRaw, definition.BucketDefinition} {
		// MinIO knows its hooks a little after it says that it is ready.
		if err := retry(ctx, func() error { return s3.Notify(ctx, bucketPrefix+role, servers.Webhook) }); err != nil {
			return err
		}
	}
	return nil
}

// AddCoordinator starts one more coordinator and returns its name.
func (c *Cluster) AddCoordinator(ctx context.Context) (string, error) {
	return c.addService(ctx, "coordinator", "coordinator", append([]string{
		"--database", c.Database, "--reconcile", "10s",
	}, c.o.CoordinatorArgs...), nil)
}

// AddNode starts one more render node and returns its name.
func (c *Cluster) AddNode(ctx context.Context) (string, error) {
	slots := max(1, runtime.NumCPU()/max(1, c.o.Nodes))
	return c.addService(ctx, "node", "render-node", append([]string{"--slots", fmt.Sprint(slots)}, c.o.NodeArgs...), c.o.NodeEnv)
}

func (c *Cluster) addService(ctx context.Context, kind, program string, args, env []string) (string, error) {
	name := c.newName(kind)
	address, err := servers.FreeAddress()
	if err != nil {
		return name, err
	}
	scratch := filepath.Join(c.Dir, "scratch", name)
	if err := os.MkdirAll(scratch, 0o755); err != nil {
		return name, err
	}
	path := filepath.Join(c.o.Bin, program)
	if _, err := os.Stat(path); err != nil {
		return name, &servers.Missing{What: path, Hint: "run make build"}
	}
	c.mu.Lock()
	c.urls[name] = "http://" + address
	c.mu.Unlock()
	return name, c.start(ctx, servers.Server{
		Name: name, Path: path, Log: c.logFile(name), Dir: scratch,
		Args: append([]string{
			"--name", name, "--listen", address, "--scratch", scratch, "--region", c.S3.Region, "--poll", "1s",
			"--s3-endpoint", c.s3, "--sqs-endpoint", c.sqs, "--access-key", c.S3.AccessKey,
		}, args...),
		Env:   append([]string{"CHOIRLESS_SECRET_KEY=" + c.S3.SecretKey, "TMPDIR=" + scratch}, env...),
		Ready: servers.Answers("http://" + address + "/readyz"),
	})
}

// newName returns the first free name of a kind, and takes it.
func (c *Cluster) newName(kind string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	for n := 1; ; n++ {
		name := fmt.Sprintf("%s-%d", kind, n)
		if !slices.Contains(c.order, name) {
			c.order = append(c.order, name)
			return name
		}
	}
}

func (c *Cluster) logFile(name string) string { return filepath.Join(c.Dir, "logs", name+".log") }

// start starts a server and takes it into the lists.
func (c *Cluster) start(ctx context.Context, s servers.Server) error {
	p, err := s.Start(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.servers[s.Name] = s
	if !slices.Contains(c.order, s.Name) {
		c.order = append(c.order, s.Name)
	}
	if p != nil {
		c.running[s.Name] = p
	}
	return err
}

// Close ends everything, in the reverse order of its start, and removes the folder
// unless it was given.
func (c *Cluster) Close() error {
	var errs []error
	for _, name := range slices.Backward(c.Names()) {
		if p, err := c.process(name); err == nil && p.Running() {
			_, err := p.Stop()
			errs = append(errs, err)
		}
	}
	if c.bridge != nil {
		errs = append(errs, c.bridge.close())
	}
	if c.temp && c.Dir != "" {
		errs = append(errs, os.RemoveAll(c.Dir))
	}
	return errors.Join(errs...)
}
