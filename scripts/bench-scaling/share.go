package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// On a machine of two cores, two nodes that take a core each leave none to the
// servers and the coordinator, which one node has a whole core for. So each node can
// be held to a share of its core: then nodes are measured, and not what is left.

// period is that of the scheduler's bookkeeping, in microseconds.
const period = 10_000

// groups makes a control group for each of n nodes, which may use share of a core
// (cgroup v2: cpu.max; v1: cpu.cfs_quota_us). It needs root. The groups must be empty
// when remove is called.
func groups(n int, share float64) (dirs []string, remove func() error, err error) {
	quota := int(share * period)
	root, limit := "/sys/fs/cgroup", map[string]string{"cpu.max": fmt.Sprintf("%d %d", quota, period)}
	if _, err := os.Stat(filepath.Join(root, "cpu")); err == nil {
		root = filepath.Join(root, "cpu")
		limit = map[string]string{"cpu.cfs_period_us": fmt.Sprint(period), "cpu.cfs_quota_us": fmt.Sprint(quota)}
	}
	remove = func() (err error) {
		for _, dir := range dirs {
			err = errors.Join(err, os.Remove(dir))
		}
		return err
	}
	for i := range n {
		dir := filepath.Join(root, fmt.Sprintf("choirless-scaling-%d-%d", os.Getpid(), i+1))
		if err := os.Mkdir(dir, 0o755); err != nil {
			return nil, nil, errors.Join(err, remove())
		}
		dirs = append(dirs, dir)
		for name, value := range limit {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(value), 0o644); err != nil {
				return nil, nil, errors.Join(err, remove())
			}
		}
	}
	return dirs, remove, nil
}
