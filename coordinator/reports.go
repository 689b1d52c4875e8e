package coordinator

import (
	"context"
	"errors"

	"github.com/choirless/render/plan"
	"github.com/choirless/render/queue"
	"github.com/choirless/render/store"
)

// report deals with what a node says. Late and repeated reports are harmless: the
// store matches them by key and attempt.
func (c *Coordinator) report(ctx context.Context, body []byte) error {
	var r plan.Report
	if err := queue.Decode(body, &r); err != nil {
		c.log.Warn("report dropped", "error", err) // it will not get better
		return nil
	}
	if r.State == plan.ReportNode {
		return c.store.PutNode(ctx, r.Node, r.About)
	}
	log := c.logOfReport(r)
	var err error
	switch r.State {
	case plan.ReportStarted, plan.ReportProgress:
		_, err = c.store.TaskNews(ctx, store.News{
			Song: r.Song, Key: r.Key, Attempt: r.Attempt, Node: r.Node, Delivery: r.Delivery, Percent: r.Percent,
		})
	case plan.ReportReturned:
		var fresh bool
		fresh, err = c.store.ReturnTask(ctx, store.News{
			Song: r.Song, Key: r.Key, Attempt: r.Attempt, Node: r.Node, Delivery: r.Delivery, Reason: r.Error,
		})
		if fresh {
			log.Info("task handed back", "reason", r.Error)
		}
	case plan.ReportDone:
		var fresh bool
		fresh, err = c.store.CompleteTask(ctx, store.Done{
			Song: r.Song, Key: r.Key, Attempt: r.Attempt, Node: r.Node, Result: r.Result, Debounce: c.cfg.Debounce,
		})
		if fresh {
			c.metrics.done(r)
			log.Info("task done")
		}
	case plan.ReportFailed:
		var gone bool
		if gone, err = c.sourceGone(ctx, r); err != nil {
			break
		}
		var v store.Verdict
		v, err = c.store.FailTask(ctx, store.Failure{
			Song: r.Song, Key: r.Key, Attempt: r.Attempt, Node: r.Node, Reason: r.Error, Permanent: r.Permanent, Gone: gone,
			Blame: r.Part, Limit: c.cfg.Attempts, Delay: c.cfg.Backoff,
		})
		if v != store.Ignored {
			c.metrics.tasks.WithLabelValues(string(r.Kind), string(v)).Inc()
			log.Warn("task failed", "error", r.Error, "permanent", r.Permanent, "verdict", v)
		}
	default:
		log.Warn("report dropped: unknown state", "state", r.State)
	}
	if errors.Is(err, store.ErrNotFound) {
		log.Warn("report of an unknown task dropped", "state", r.State)
		return nil
	}
	return err
}
