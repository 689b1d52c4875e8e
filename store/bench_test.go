package store_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/choirless/render/definition"
	"github.com/choirless/render/internal/testserver"
	"github.com/choirless/render/plan"
	"github.com/choirless/render/store"
)

// benchmarkIngest takes recordings through their ingest: uploaded, sent, begun and
// done, four transitions each, 9 parts a song.
func benchmarkIngest(b *testing.B, st store.Store) {
	var next atomic.Int64
	ctx := b.Context()
	b.SetParallelism(2)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			n := next.Add(1)
			song := definition.Song{Choir: "c", Song: definition.SongID(fmt.Sprint(n / 9))}
			part := definition.PartID(fmt.Sprint(n % 9))
			key := fmt.Sprint("task", n)
			_, err := st.Uploaded(ctx, store.Upload{
				PartID: store.PartID{Song: song, Part: part}, Raw: store.Raw{Key: key, ETag: "1"},
				Task: func(store.Part) (store.NewTask, error) {
					return store.NewTask{Part: part, Assignment: plan.Assignment{Key: key, Kind: plan.KindIngest}}, nil
				},
			})
			if err != nil {
				b.Error(err)
			}
			out, err := st.Outgoing(ctx, 1, 1000, 1e9)
			if err == nil {
				err = st.Sent(ctx, out)
			}
			if err != nil {
				b.Error(err)
			}
			if _, err := st.TaskNews(ctx, store.News{Song: song, Key: key, Attempt: 1}); err != nil {
				b.Error(err)
			}
			if _, err := st.CompleteTask(ctx, store.Done{Song: song, Key: key, Attempt: 1, Result: json.RawMessage(`{}`)}); err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(4*float64(b.N)/b.Elapsed().Seconds(), "transitions/s")
}

func BenchmarkSQLite(b *testing.B) {
	st, err := store.OpenSQLite(b.Context(), filepath.Join(b.TempDir(), "db"))
	if err != nil {
		b.Fatal(err)
	}
	defer st.Close()
	benchmarkIngest(b, st)
}

func BenchmarkPostgres(b *testing.B) {
	st, err := store.OpenPostgres(b.Context(), testserver.Postgres(b)(b))
	if err != nil {
		b.Fatal(err)
	}
	defer st.Close()
	benchmarkIngest(b, st)
}
