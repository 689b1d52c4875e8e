package node

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/choirless/render/plan"
	"github.com/choirless/render/queue"
)

// metrics are the figures of a node. deploy/metrics.md says what they are for.
type metrics struct {
	assignments *prometheus.CounterVec
	seconds     *prometheus.HistogramVec
	cpu         *prometheus.CounterVec
	frames      prometheus.Counter
	rate        prometheus.Gauge
	bytes       *prometheus.CounterVec
	gpu         *prometheus.GaugeVec

	mu     sync.Mutex
	leases map[queue.Lease]time.Time // since when each is held
}

func newMetrics(n *Node) *metrics {
	m := &metrics{leases: map[queue.Lease]time.Time{}}
	m.assignments = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "choirless_node_assignments_total", Help: "Assignments settled, by how.",
	}, []string{"kind", "outcome"})
	m.seconds = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "choirless_node_assignment_seconds", Help: "Time an assignment took, of those done here.",
		Buckets: prometheus.ExponentialBuckets(0.1, 2, 12),
	}, []string{"kind"})
	m.cpu = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "choirless_node_cpu_seconds_total", Help: "CPU time of assignments done.",
	}, []string{"kind"})
	m.frames = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "choirless_node_frames_total", Help: "Frames composed and encoded.",
	})
	m.rate = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "choirless_node_frames_per_second", Help: "Speed of the newest cell, of one slot.",
	})
	m.bytes = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "choirless_node_object_bytes_total", Help: "Bytes read from and written to the object store.",
	}, []string{"direction"})
	m.gpu = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "choirless_node_renderer_info", Help: "What composes: 1, with the driver's name and whether it is software (llvmpipe).",
	}, []string{"renderer", "software"})
	gauge := func(name, help string, f func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, f)
	}
	if n.cfg.Metrics == nil {
		return m
	}
	n.cfg.Metrics.MustRegister(m.assignments, m.seconds, m.cpu, m.frames, m.rate, m.bytes, m.gpu,
		gauge("choirless_node_slots", "Assignments that may be worked on at once.", func() float64 { return float64(n.cfg.Slots) }),
		gauge("choirless_node_leases", "Assignments held now.", func() float64 { held, _ := m.held(); return float64(held) }),
		gauge("choirless_node_lease_age_seconds", "How long the oldest assignment held has been held.",
			func() float64 { _, oldest := m.held(); return oldest.Seconds() }),
		gauge("choirless_node_draining", "1 while no more assignments are taken.", func() float64 {
			if n.Draining() {
				return 1
			}
			return 0
		}),
		gauge("choirless_node_assignment_memory_bytes", "Memory one more assignment is expected to take.",
			func() float64 { return float64(n.gate.expected()) }),
		gauge("choirless_node_scratch_bytes", "Scratch space taken by assignments.", func() float64 {
			if n.cfg.Space == nil {
				return 0
			}
			return float64(n.cfg.Space.taken())
		}),
	)
	return m
}

// began notes a lease.
func (m *metrics) began(l queue.Lease) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.leases[l] = time.Now()
}

// settled notes what became of an assignment.
func (m *metrics) settled(kind plan.Kind, o outcome) {
	m.assignments.WithLabelValues(string(kind), string(o)).Inc()
}

// ended notes that a lease is no longer held.
func (m *metrics) ended(l queue.Lease) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.leases, l)
}

// held is how many leases there are and the age of the oldest.
func (m *metrics) held() (n int, oldest time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, since := range m.leases {
		oldest = max(oldest, time.Since(since))
	}
	return len(m.leases), oldest
}

// worked notes what an assignment that was done cost.
func (m *metrics) worked(kind plan.Kind, wall time.Duration, cpu float64, frames int) {
	m.seconds.WithLabelValues(string(kind)).Observe(wall.Seconds())
	m.cpu.WithLabelValues(string(kind)).Add(cpu)
	if frames > 0 && wall > 0 {
		m.frames.Add(float64(frames))
		m.rate.Set(float64(frames) / wall.Seconds())
	}
}

// moved notes bytes read and written.
func (m *metrics) moved(in, out int) {
	m.bytes.WithLabelValues("in").Add(float64(in))
	m.bytes.WithLabelValues("out").Add(float64(out))
}

// renderer notes what composes.
func (m *metrics) renderer(name string, software bool) {
	which := "false"
	if software {
		which = "true"
	}
	m.gpu.WithLabelValues(name, which).Set(1)
}
