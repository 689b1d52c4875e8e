package monitor

import (
	"time"

	"github.com/choirless/render/media"
)

// clock says which song sample is being heard, from when buffers are. The card
// has always one buffer more than is heard, so two are remembered.
type clock struct {
	last, before buffer
}

// buffer is sound handed to the card: song sample at is heard at dac.
type buffer struct {
	at    float64
	dac   time.Time
	speed float64
	end   float64 // song sample behind it
}

// hold is how far behind a buffer's end the clock runs on, sample frames: a card
// that comes a little late for its next one must not make the picture stutter.
const hold = 2400

func (c *clock) play(at float64, dac time.Time, speed float64, n int) {
	c.before = c.last
	c.last = buffer{at, dac, speed, at + float64(n)*speed}
}

// stop stands at a song sample.
func (c *clock) stop(at int64) {
	c.last = buffer{at: float64(at)}
	c.before = c.last
}

// at returns the song sample that is heard at a time.
func (c *clock) at(t time.Time) float64 {
	b := c.last
	if t.Before(b.dac) && !c.before.dac.IsZero() {
		b = c.before
	}
	if b.dac.IsZero() {
		return b.at
	}
	p := b.at + t.Sub(b.dac).Seconds()*float64(media.MixRate)*b.speed
	return min(max(p, b.at), b.end+hold*b.speed)
}
