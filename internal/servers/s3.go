package servers

import (
	"path/filepath"
	"strings"
)

// S3 is how to reach a running S3 server.
type S3 struct {
	Endpoint, Region, AccessKey, SecretKey string
}

func localS3(address string) S3 {
	return S3{Endpoint: "http://" + address, Region: "us-east-1", AccessKey: "choirtest", SecretKey: "choirtest-secret"}
}

// Webhook is the ARN under which MinIO knows the hook of MinIOHook.
const Webhook = "arn:minio:sqs::PRIMARY:webhook"

// MinIO returns MinIO over a folder, with the given additions to its environment.
func MinIO(dir string, env ...string) (Server, S3, error) {
	binary, err := installed("bin/minio")
	if err != nil {
		return Server{}, S3{}, err
	}
	address, err := FreeAddress()
	if err != nil {
		return Server{}, S3{}, err
	}
	console, err := FreeAddress()
	if err != nil {
		return Server{}, S3{}, err
	}
	s := localS3(address)
	return Server{
		Name: "minio", Path: binary, Log: filepath.Join(dir, "minio.log"), Dir: dir,
		Args:  []string{"server", "--quiet", "--address", address, "--console-address", console, filepath.Join(dir, "data")},
		Env:   append([]string{"MINIO_ROOT_USER=" + s.AccessKey, "MINIO_ROOT_PASSWORD=" + s.SecretKey, "MINIO_BROWSER=off"}, env...),
		Ready: Answers(s.Endpoint + "/minio/health/ready"),
	}, s, nil
}

// MinIOHook is the additions to MinIO's environment by which it posts its
// notifications to url, and keeps in a folder those that could not be delivered.
func MinIOHook(url, queueDir string) []string {
	return []string{
		"MINIO_NOTIFY_WEBHOOK_ENABLE_PRIMARY=on",
		"MINIO_NOTIFY_WEBHOOK_ENDPOINT_PRIMARY=" + url,
		"MINIO_NOTIFY_WEBHOOK_QUEUE_DIR_PRIMARY=" + queueDir,
	}
}

// Versitygw returns the Versity gateway over a folder, whose file system must have
// extended attributes: with metadata in files beside the objects (its --sidecar) a
// replaced object has for a moment the checksum of the other.
func Versitygw(dir string) (Server, S3, error) {
	binary, err := installed("bin/versitygw")
	if err != nil {
		return Server{}, S3{}, err
	}
	address, err := FreeAddress()
	if err != nil {
		return Server{}, S3{}, err
	}
	s := localS3(address)
	return Server{
		Name: "versitygw", Path: binary, Log: filepath.Join(dir, ".log"), Dir: dir,
		Args: []string{
			"--port", strings.TrimPrefix(s.Endpoint, "http://"), "--access", s.AccessKey, "--secret", s.SecretKey,
			"--region", s.Region, "--quiet", "--health", "/health", "posix", dir,
		},
		Ready: Answers(s.Endpoint + "/health"),
	}, s, nil
}
