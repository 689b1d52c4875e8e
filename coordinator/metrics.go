package coordinator

import (
	"context"
	"encoding/json"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/choirless/render/plan"
	"github.com/choirless/render/queue"
	"github.com/choirless/render/store"
)

// metrics are the figures of a coordinator. deploy/metrics.md says what they are for.
type metrics struct {
	events  *prometheus.CounterVec
	tasks   *prometheus.CounterVec
	reused  prometheus.Counter
	stages  *prometheus.HistogramVec
	renders *prometheus.CounterVec
	steps   *prometheus.CounterVec
	swept   *prometheus.CounterVec
	bytes   prometheus.Counter
}

func newMetrics(c *Coordinator) *metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	m := &metrics{
		events: counter("choirless_notifications_total", "Notifications of objects, by what became of them.", "outcome"),
		tasks:  counter("choirless_tasks_total", "Ends of attempts at tasks: done, retried, replanned (an object was gone), orphaned (its render was cancelled), given up.", "kind", "outcome"),
		reused: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "choirless_tasks_reused_total", Help: "Tasks of a plan that were done already.",
		}),
		stages: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "choirless_stage_seconds", Help: "Time a step of a song took, by stage.",
			Buckets: prometheus.ExponentialBuckets(0.05, 2, 14),
		}, []string{"stage"}),
		renders: counter("choirless_renders_total", "Renders that ended here, done or failed.", "state"),
		steps:   counter("choirless_steps_retried_total", "Steps of this coordinator that failed and are tried again.", "state"),
		swept:   counter("choirless_swept_total", "Tasks found lost: requeued, resent, given up.", "outcome"),
		bytes:   prometheus.NewCounter(prometheus.CounterOpts{Name: "choirless_final_bytes_total", Help: "Bytes of finals."}),
	}
	if c.cfg.Metrics != nil {
		c.cfg.Metrics.MustRegister(m.events, m.tasks, m.reused, m.stages, m.renders, m.steps, m.swept, m.bytes, scrape{c})
	}
	return m
}

// stage notes how long a stage took.
func (m *metrics) stage(s store.Stage, d time.Duration) {
	m.stages.WithLabelValues(string(s)).Observe(d.Seconds())
}

// done notes a task's result.
func (m *metrics) done(r plan.Report) {
	m.tasks.WithLabelValues(string(r.Kind), "done").Inc()
	var cost struct {
		Seconds float64 `json:"seconds"`
	}
	if json.Unmarshal(r.Result, &cost) == nil && cost.Seconds > 0 {
		m.stages.WithLabelValues(string(r.Kind)).Observe(cost.Seconds)
	}
}

func (m *metrics) found(s store.Swept) {
	m.swept.WithLabelValues("requeued").Add(float64(s.Requeued))
	m.swept.WithLabelValues("resent").Add(float64(s.Resent))
	m.swept.WithLabelValues("given up").Add(float64(s.GivenUp))
}

// What is asked of queues and database when somebody wants to know.
var (
	depthDesc = prometheus.NewDesc("choirless_queue_messages",
		"Messages in a queue, about: visible ones wait, leased ones are being worked on.", []string{"queue", "state"}, nil)
	deadDesc = prometheus.NewDesc("choirless_queue_dead_letters",
		"Messages that were given up; a person has to look at them.", []string{"queue"}, nil)
	tasksDesc = prometheus.NewDesc("choirless_tasks",
		"Tasks that are not done: unsent, sent and not begun, running.", []string{"state"}, nil)
	poolDesc = prometheus.NewDesc("choirless_database_connections",
		"Connections to the database.", []string{"state"}, nil)
	waitsDesc = prometheus.NewDesc("choirless_database_waits_total",
		"Requests that had to wait for a connection.", nil, nil)
	waitDesc = prometheus.NewDesc("choirless_database_wait_seconds_total",
		"Time spent waiting for a connection.", nil, nil)
)

// scrapeTime bounds how long queues and database may take to answer.
const scrapeTime = 5 * time.Second

// scrape collects what is asked for at the moment. What does not answer is left out.
type scrape struct{ c *Coordinator }

func (s scrape) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{depthDesc, deadDesc, tasksDesc, poolDesc, waitsDesc, waitDesc} {
		out <- d
	}
}

func (s scrape) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTime)
	defer cancel()
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	for name, q := range map[string]queue.Queue{
		"events": s.c.cfg.Events, "assignments": s.c.cfg.Assignments, "reports": s.c.cfg.Reports,
	} {
		if q == nil {
			continue
		}
		if visible, leased, err := q.Depth(ctx); err == nil {
			gauge(depthDesc, float64(visible), name, "visible")
			gauge(depthDesc, float64(leased), name, "leased")
		}
		if dead, err := queue.Dead(ctx, q); err == nil {
			gauge(deadDesc, float64(dead), name)
		}
	}
	if unsent, sent, running, err := s.c.store.Pending(ctx); err == nil {
		gauge(tasksDesc, float64(unsent), "unsent")
		gauge(tasksDesc, float64(sent), "sent")
		gauge(tasksDesc, float64(running), "running")
	}
	if p, ok := s.c.store.(interface{ Pool() store.Pool }); ok {
		pool := p.Pool()
		gauge(poolDesc, float64(pool.InUse), "in_use")
		gauge(poolDesc, float64(pool.Idle), "idle")
		out <- prometheus.MustNewConstMetric(waitsDesc, prometheus.CounterValue, float64(pool.Waits))
		out <- prometheus.MustNewConstMetric(waitDesc, prometheus.CounterValue, pool.WaitSeconds)
	}
}
