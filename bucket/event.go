package bucket

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// Events are Amazon's "event message structure" (S3 user guide, version 2.x),
// as it comes out of an SQS queue. What differs from server to server:
//
//   - keys are written as in a form (url.QueryEscape: '+' is %2B, a space '+');
//   - MinIO begins eventName with "s3:" and adds fields of its own;
//   - some keep the quotes around eTag; some give size 0 for multipart uploads;
//   - Amazon sends one {"Event":"s3:TestEvent"} when a notification is set up;
//   - a topic between bucket and queue puts the message into {"Message":"…"}.
//
// An event is only a hint: it may come twice, late, in the wrong order or for
// an object that is gone. Look at the object before acting on it.

// Event says that something happened to an object.
type Event struct {
	Name   string // such as "ObjectCreated:Put", without "s3:"
	Bucket string // the server's name of the bucket, not the role
	Key    string
	Size   int64     // bytes; 0 may also mean that the server did not say
	ETag   string    // as in Info; may be empty
	Time   time.Time // zero when the server did not say
}

// Created tells whether the event announces a new object.
func (e Event) Created() bool { return strings.HasPrefix(e.Name, "ObjectCreated:") }

// message is the JSON around the events.
type message struct {
	Records []record `json:"Records"`
	// Amazon's test message.
	Event string `json:"Event,omitempty"`
	// The envelope of a topic (SNS).
	Type    string `json:"Type,omitempty"`
	Message string `json:"Message,omitempty"`
}

type record struct {
	EventVersion string `json:"eventVersion"`
	EventSource  string `json:"eventSource"`
	AWSRegion    string `json:"awsRegion"`
	EventTime    string `json:"eventTime"`
	EventName    string `json:"eventName"`
	S3           struct {
		SchemaVersion string `json:"s3SchemaVersion"`
		Bucket        struct {
			Name string `json:"name"`
			ARN  string `json:"arn"`
		} `json:"bucket"`
		Object struct {
			Key  string `json:"key"`
			Size int64  `json:"size"`
			ETag string `json:"eTag"`
		} `json:"object"`
	} `json:"s3"`
}

// EncodeEvents writes events as one message, as Amazon would.
func EncodeEvents(events ...Event) []byte {
	var m message
	for _, e := range events {
		r := record{EventVersion: "2.1", EventSource: "choirless:bucket", EventName: e.Name}
		if !e.Time.IsZero() {
			r.EventTime = e.Time.UTC().Format("2006-01-02T15:04:05.000Z")
		}
		r.S3.SchemaVersion = "1.0"
		r.S3.Bucket.Name = e.Bucket
		r.S3.Bucket.ARN = "arn:aws:s3:::" + e.Bucket
		r.S3.Object.Key = url.QueryEscape(e.Key)
		r.S3.Object.Size = e.Size
		r.S3.Object.ETag = e.ETag
		m.Records = append(m.Records, r)
	}
	body, err := json.Marshal(m)
	if err != nil {
		panic(err) // strings and numbers only
	}
	return body
}

// ParseEvents reads a message. Test messages give no events and no error.
// Events that can be read are returned also when there is an error, which then
// speaks of the others: log it and drop the message, it will not get better.
func ParseEvents(body []byte) ([]Event, error) {
	var m message
	if err := json.Unmarshal(body, &m); err != nil {
		return nil, fmt.Errorf("bucket event: %w", err)
	}
	if m.Records == nil && m.Type == "Notification" && m.Message != "" {
		body, m = []byte(m.Message), message{}
		if err := json.Unmarshal(body, &m); err != nil {
			return nil, fmt.Errorf("bucket event: message of a topic: %w", err)
		}
	}
	if m.Records == nil {
		if m.Event == "s3:TestEvent" {
			return nil, nil
		}
		return nil, errors.New("bucket event: no Records")
	}
	var events []Event
	var errs []error
	for i, r := range m.Records {
		e, err := r.event()
		if err != nil {
			errs = append(errs, fmt.Errorf("bucket event: record %d: %w", i, err))
			continue
		}
		events = append(events, e)
	}
	return events, errors.Join(errs...)
}

func (r record) event() (Event, error) {
	o := r.S3.Object
	key, err := url.QueryUnescape(o.Key)
	if err != nil {
		return Event{}, fmt.Errorf("key %q: %w", o.Key, err)
	}
	if err := CheckKey(key); err != nil {
		return Event{}, err
	}
	if r.S3.Bucket.Name == "" {
		return Event{}, fmt.Errorf("key %q: no bucket", key)
	}
	name := strings.TrimPrefix(r.EventName, "s3:")
	if name == "" {
		return Event{}, fmt.Errorf("key %q: no event name", key)
	}
	// A time that cannot be read is as good as none.
	at, _ := time.Parse(time.RFC3339Nano, r.EventTime)
	return Event{
		Name: name, Bucket: r.S3.Bucket.Name, Key: key, Size: max(o.Size, 0),
		ETag: strings.Trim(o.ETag, `"`), Time: at,
	}, nil
}
