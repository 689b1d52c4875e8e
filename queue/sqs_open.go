package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
)

// SQSOptions say how to reach a server. The zero value is Amazon's with the
// region and credentials that its SDK finds: environment, files, instance role.
type SQSOptions struct {
	Endpoint  string // address of another server, such as http://127.0.0.1:4566
	Region    string
	AccessKey string // with SecretKey; empty: what the SDK finds
	SecretKey string
	// Poll is how long one Receive waits for a first message, in whole seconds,
	// 1 s..20 s; 0 means 10 s. Close may have to wait as long.
	Poll time.Duration
}

// SQSServer opens queues. Safe for concurrent use.
type SQSServer struct {
	client *sqs.Client
	poll   time.Duration
}

// DialSQS prepares the connection to a server; the first request is made when a
// queue is opened.
func DialSQS(ctx context.Context, o SQSOptions) (*SQSServer, error) {
	if o.Poll == 0 {
		o.Poll = 10 * time.Second
	}
	if o.Poll < time.Second || o.Poll > 20*time.Second || o.Poll%time.Second != 0 {
		return nil, fmt.Errorf("queue: poll time %v, want whole seconds, 1s..20s", o.Poll)
	}
	load := []func(*config.LoadOptions) error{
		// A server that is restarted or overloaded is waited for, as long as
		// the caller's context lets us; the SDK's own limit on the rate of
		// retries would give up in the middle of an outage.
		config.WithRetryer(func() aws.Retryer {
			return retry.NewStandard(func(r *retry.StandardOptions) {
				r.MaxAttempts = 8
				r.MaxBackoff = 5 * time.Second
				r.RateLimiter = ratelimit.None
			})
		}),
		config.WithHTTPClient(awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
			t.ResponseHeaderTimeout = o.Poll + 20*time.Second
			t.MaxIdleConnsPerHost = 32
		})),
	}
	if o.Region != "" {
		load = append(load, config.WithRegion(o.Region))
	}
	if o.AccessKey != "" {
		load = append(load, config.WithCredentialsProvider(
			credentials.NewStaticCredentialsProvider(o.AccessKey, o.SecretKey, "")))
	}
	cfg, err := config.LoadDefaultConfig(ctx, load...)
	if err != nil {
		return nil, fmt.Errorf("queue: %w", err)
	}
	client := sqs.NewFromConfig(cfg, func(so *sqs.Options) {
		if o.Endpoint != "" {
			so.BaseEndpoint = aws.String(o.Endpoint)
		}
	})
	return &SQSServer{client: client, poll: o.Poll}, nil
}

// Open opens the queue of that name or address, which must exist, and finds the
// dead-letter queue its redrive policy names.
func (s *SQSServer) Open(ctx context.Context, name string) (*SQS, error) {
	q, err := s.open(ctx, name, "")
	if err != nil {
		return nil, fmt.Errorf("queue %s: open: %w", name, err)
	}
	out, err := s.client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: &q.url, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameRedrivePolicy},
	})
	if err != nil {
		return nil, q.wrap("open", err)
	}
	policy := out.Attributes[string(types.QueueAttributeNameRedrivePolicy)]
	if policy == "" {
		return q, nil
	}
	var r redrive
	if err := json.Unmarshal([]byte(policy), &r); err != nil {
		return nil, q.wrap("open", fmt.Errorf("redrive policy: %w", err))
	}
	// arn:aws:sqs:REGION:ACCOUNT:NAME
	arn := strings.Split(r.Target, ":")
	if len(arn) != 6 {
		return nil, q.wrap("open", fmt.Errorf("redrive policy: target %q is no queue", r.Target))
	}
	q.dead, err = s.open(ctx, arn[5], arn[4])
	if err != nil && !denied(err) {
		return nil, q.wrap("open", fmt.Errorf("dead letters %s: %w", r.Target, err))
	}
	return q, nil
}

// open finds a queue's address, unless name is one.
func (s *SQSServer) open(ctx context.Context, name, account string) (*SQS, error) {
	q := &SQS{client: s.client, name: name, poll: s.poll, done: make(chan struct{})}
	if strings.HasPrefix(name, "http://") || strings.HasPrefix(name, "https://") {
		q.name, q.url = name[strings.LastIndex(name, "/")+1:], name
		return q, nil
	}
	in := &sqs.GetQueueUrlInput{QueueName: &name}
	if account != "" {
		in.QueueOwnerAWSAccountId = &account
	}
	out, err := s.client.GetQueueUrl(ctx, in)
	if err != nil {
		return nil, err
	}
	q.url = aws.ToString(out.QueueUrl)
	return q, nil
}

// denied tells whether a server refused for lack of rights: a node needs none
// on the dead letters.
func denied(err error) bool {
	var api smithy.APIError
	return errors.As(err, &api) && strings.Contains(api.ErrorCode(), "AccessDenied")
}

// Create makes the queue of that name, if it is missing, and opens it. With a
// limit on deliveries above 0 it also makes name-dead for its dead letters. It
// is for tests and single clusters; on Amazon a template makes the queues.
func (s *SQSServer) Create(ctx context.Context, name string, limit int) (*SQS, error) {
	attributes := map[string]string{}
	if limit > 0 {
		arn, err := s.create(ctx, name+"-dead", map[string]string{
			// The longest there is: a person has to look at them.
			string(types.QueueAttributeNameMessageRetentionPeriod): "1209600",
		})
		if err != nil {
			return nil, fmt.Errorf("queue %s-dead: create: %w", name, err)
		}
		policy, err := json.Marshal(redrive{Target: arn, Limit: json.Number(fmt.Sprint(limit))})
		if err != nil {
			return nil, err
		}
		attributes[string(types.QueueAttributeNameRedrivePolicy)] = string(policy)
	}
	if _, err := s.create(ctx, name, attributes); err != nil {
		return nil, fmt.Errorf("queue %s: create: %w", name, err)
	}
	return s.Open(ctx, name)
}

// create makes a queue and returns its ARN.
func (s *SQSServer) create(ctx context.Context, name string, attributes map[string]string) (string, error) {
	made, err := s.client.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &name, Attributes: attributes})
	if err != nil {
		return "", err
	}
	out, err := s.client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: made.QueueUrl, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameQueueArn},
	})
	if err != nil {
		return "", err
	}
	return out.Attributes[string(types.QueueAttributeNameQueueArn)], nil
}
