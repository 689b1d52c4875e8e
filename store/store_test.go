package store_test

import (
	"path/filepath"
	"testing"

	"github.com/choirless/render/internal/testserver"
	"github.com/choirless/render/store"
	"github.com/choirless/render/store/storetest"
)

func TestSQLite(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) storetest.Database {
		path := filepath.Join(t.TempDir(), "choir less+100%.db")
		return func(o ...store.Option) (store.Store, error) { return store.OpenSQLite(t.Context(), path, o...) }
	})
}

func TestPostgres(t *testing.T) {
	t.Parallel()
	database := testserver.Postgres(t)
	storetest.Run(t, func(t *testing.T) storetest.Database {
		address := database(t)
		return func(o ...store.Option) (store.Store, error) { return store.OpenPostgres(t.Context(), address, o...) }
	})
}
