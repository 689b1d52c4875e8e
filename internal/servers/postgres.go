package servers

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
)

// Postgres is a PostgreSQL cluster in a folder, reached by a socket in it.
type Postgres struct {
	Server
	bin, dir string
}

// user of the database, who needs no password: only who may enter the folder
// reaches the socket.
const postgresUser = "choirless"

// NewPostgres makes a cluster in dir, unless one is there, and returns its server.
// As root, which PostgreSQL refuses to run as, dir is given to the user postgres
// or nobody, who must be able to enter its parents. With durable, commits survive
// a power cut and not only the end of processes.
func NewPostgres(ctx context.Context, dir string, durable bool) (*Postgres, error) {
	bin, err := postgresBin()
	if err != nil {
		return nil, err
	}
	credential, err := unprivileged(dir)
	if err != nil {
		return nil, fmt.Errorf("postgres: %w", err)
	}
	p := &Postgres{bin: bin, dir: dir}
	data := filepath.Join(dir, "data")
	sync := "on"
	if !durable {
		sync = "off"
	}
	p.Server = Server{
		Name: "postgres", Path: filepath.Join(bin, "postgres"), Dir: dir, Log: filepath.Join(dir, "postgres.log"),
		Args: []string{
			"-D", data, "-k", dir, "-c", "listen_addresses=", "-c", "fsync=" + sync, "-c", "max_connections=200",
		},
		Credential: credential,
		Interrupt:  syscall.SIGINT, // its fast shutdown: connections are ended, not waited for
		Ready:      func(ctx context.Context) error { return p.run(ctx, "pg_isready", "-h", dir) },
	}
	if _, err := os.Stat(filepath.Join(data, "PG_VERSION")); !errors.Is(err, fs.ErrNotExist) {
		return p, err
	}
	return p, p.run(ctx, "initdb", "--no-sync", "-A", "trust", "-U", postgresUser, "-E", "UTF8", "--no-locale", "-D", data)
}

// CreateDatabase makes an empty database, unless it is there. The server must be
// running.
func (p *Postgres) CreateDatabase(ctx context.Context, name string) error {
	if p.run(ctx, "psql", "-h", p.dir, "-U", postgresUser, "-c", "", name) == nil {
		return nil
	}
	return p.run(ctx, "createdb", "-h", p.dir, "-U", postgresUser, name)
}

// URL returns the connection string of a database.
func (p *Postgres) URL(name string) string {
	return "postgres://" + postgresUser + "@/" + name + "?host=" + url.QueryEscape(p.dir)
}

// run runs one of PostgreSQL's programs to its end.
func (p *Postgres) run(ctx context.Context, name string, args ...string) error {
	c := exec.CommandContext(ctx, filepath.Join(p.bin, name), args...)
	c.Dir, c.SysProcAttr = p.dir, &syscall.SysProcAttr{Credential: p.Credential}
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, out)
	}
	return nil
}

// postgresBin returns the folder of the newest server installed.
func postgresBin() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if err != nil {
		return "", err
	}
	if p, err := exec.LookPath("initdb"); err == nil && len(found) == 0 {
		if p, err = filepath.EvalSymlinks(p); err == nil {
			found = append(found, p)
		}
	}
	if len(found) == 0 {
		return "", &Missing{"PostgreSQL", "run scripts/setup"}
	}
	slices.Sort(found)
	return filepath.Dir(found[len(found)-1]), nil
}

// unprivileged gives dir to, and returns, the user to run as when we are root.
func unprivileged(dir string) (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		if u, err = user.Lookup("nobody"); err != nil {
			return nil, err
		}
	}
	uid, err1 := strconv.Atoi(u.Uid)
	gid, err2 := strconv.Atoi(u.Gid)
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, os.Chown(dir, uid, gid)
}
