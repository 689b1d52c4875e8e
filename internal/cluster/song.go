package cluster

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/choirless/render/bucket"
	"github.com/choirless/render/coordinator/status"
	"github.com/choirless/render/definition"
)

// presigned is how long an address for an upload or a download is valid.
const presigned = time.Hour

// Upload puts a recording into the raw bucket as a browser does: a plain PUT to a
// presigned address.
func (c *Cluster) Upload(ctx context.Context, key string, content []byte) error {
	url, err := c.Buckets[definition.BucketRaw].(bucket.Presigner).PresignPut(ctx, key, presigned)
	if err != nil {
		return err
	}
	_, err = c.ask(ctx, http.MethodPut, url, content)
	return err
}

// FinalURL returns a presigned address of an object in the final bucket.
func (c *Cluster) FinalURL(ctx context.Context, key string) (string, error) {
	return c.Buckets[definition.BucketFinal].(bucket.Presigner).PresignGet(ctx, key, presigned)
}

// PutPart stores the document of a part, through the first coordinator's API.
func (c *Cluster) PutPart(ctx context.Context, song definition.Song, p definition.Part) error {
	body, err := json.Marshal(p)
	if err != nil {
		return err
	}
	_, err = c.ask(ctx, http.MethodPut, c.api(song)+"/parts/"+string(p.PartID), body)
	return err
}

// Song returns the status of a song by the first coordinator's API, as to the
// definition of a name.
func (c *Cluster) Song(ctx context.Context, song definition.Song, name string) (s status.Song, err error) {
	body, err := c.ask(ctx, http.MethodGet, c.api(song)+"?name="+name, nil)
	if err == nil {
		err = json.Unmarshal(body, &s)
	}
	return s, err
}

func (c *Cluster) api(song definition.Song) string {
	return c.URL("coordinator-1") + "/api/songs/" + string(song.Choir) + "/" + string(song.Song)
}

// ask makes a request and returns the body of the answer, which must be a 2xx.
func (c *Cluster) ask(ctx context.Context, method, url string, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode/100 != 2 {
		err = &StatusError{Method: method, URL: url, Code: resp.StatusCode, Body: string(answer)}
	}
	return answer, err
}

// StatusError is an HTTP answer other than 2xx.
type StatusError struct {
	Method, URL string
	Code        int
	Body        string
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("%s %s: %d: %s", e.Method, e.URL, e.Code, e.Body)
}
