package media

import (
	"encoding/json"
	"fmt"
	"time"
)

// Span is a half-open stretch of time. In JSON it is a pair of whole milliseconds,
// [from, to], since a song has many of them.
type Span struct{ From, To time.Duration }

// MarshalJSON writes whole milliseconds, rounded.
func (s Span) MarshalJSON() ([]byte, error) {
	ms := func(d time.Duration) int64 { return int64(d.Round(time.Millisecond) / time.Millisecond) }
	return fmt.Appendf(nil, "[%d,%d]", ms(s.From), ms(s.To)), nil
}

// UnmarshalJSON reads what MarshalJSON writes.
func (s *Span) UnmarshalJSON(b []byte) error {
	var ms []int64
	if err := json.Unmarshal(b, &ms); err != nil {
		return fmt.Errorf("span: %w", err)
	}
	const most = int64(1<<63-1) / int64(time.Millisecond)
	if len(ms) != 2 || ms[0] > ms[1] || ms[0] < -most || ms[1] > most {
		return fmt.Errorf("span %s: want two milliseconds, [from, to]", b)
	}
	s.From, s.To = time.Duration(ms[0])*time.Millisecond, time.Duration(ms[1])*time.Millisecond
	return nil
}
