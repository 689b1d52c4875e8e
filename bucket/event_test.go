package bucket

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

const partKey = "001jchoir+001jsong+001jpart 2.webm"

func TestParseEvents(t *testing.T) {
	part := Event{
		Name: "ObjectCreated:Put", Bucket: "choir-raw", Key: partKey, Size: 1305107,
		ETag: "8e1d1bb3a03e1b7f7fe3ea1b1e1ae0c8",
		Time: time.Date(2026, 2, 12, 20, 18, 48, 123e6, time.UTC),
	}
	minio := part
	minio.Bucket, minio.ETag = "raw", "0cc175b9c0f1b6a831c399e269772661"
	upload := part
	upload.Name, upload.ETag, upload.Size = "ObjectCreated:CompleteMultipartUpload", "8e1d1bb3a03e1b7f7fe3ea1b1e1ae0c8-2", 0
	tests := []struct {
		file string
		want []Event
		err  string // part of it
	}{
		{"aws_put.json", []Event{part}, ""},
		{"aws_multipart.json", []Event{upload}, ""},
		{"aws_test.json", nil, ""},
		{"minio_put.json", []Event{minio}, ""},
		{"topic.json", []Event{part}, ""},
		{"one_bad.json", []Event{part}, `record 0: key "%zz"`},
		{"empty_records.json", nil, ""},
		{"other.json", nil, "no Records"},
		{"broken.json", nil, "unexpected end"},
	}
	for _, test := range tests {
		t.Run(test.file, func(t *testing.T) {
			body, err := os.ReadFile(filepath.Join("testdata", "event", test.file))
			if err != nil {
				t.Fatal(err)
			}
			got, err := ParseEvents(body)
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("got  %+v\nwant %+v", got, test.want)
			}
			if (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
				t.Errorf("error %v, want %q", err, test.err)
			}
		})
	}
}

func TestEventRoundTrip(t *testing.T) {
	want := []Event{
		{Name: "ObjectCreated:Put", Bucket: "raw", Key: partKey, Size: 3, ETag: "a-b", Time: time.UnixMilli(1e12).UTC()},
		{Name: "ObjectRemoved:Delete", Bucket: "raw", Key: "100% ?&=#+ü🎵"},
	}
	got, err := ParseEvents(EncodeEvents(want...))
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v, %v\nwant %+v", got, err, want)
	}
	if !got[0].Created() || got[1].Created() {
		t.Error("the first is a new object and the second is none")
	}
	if body := string(EncodeEvents(want[0])); !strings.Contains(body, `"key":"001jchoir%2B001jsong%2B001jpart+2.webm"`) {
		t.Errorf("key is not written as in a form: %s", body)
	}
}

// FuzzParseEvents: no body breaks the parser, and what it reads it can write.
func FuzzParseEvents(f *testing.F) {
	files, err := filepath.Glob("testdata/event/*.json")
	if err != nil || len(files) == 0 {
		f.Fatal(files, err)
	}
	for _, name := range files {
		body, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		events, _ := ParseEvents(body)
		for _, e := range events {
			if CheckKey(e.Key) != nil || e.Bucket == "" || e.Name == "" {
				t.Errorf("event %+v", e)
			}
			again, err := ParseEvents(EncodeEvents(e))
			if err != nil || len(again) != 1 || again[0].Key != e.Key {
				t.Errorf("event %+v, again %+v, %v", e, again, err)
			}
		}
	})
}
