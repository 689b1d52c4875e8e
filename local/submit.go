package local

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/choirless/render/bucket"
	"github.com/choirless/render/definition"
)

// Submit starts the process and announces the song's recordings. The notes are
// for a person.
func (l *Process) Submit(ctx context.Context, song Folder) (notes []string, err error) {
	doc, notes := song.Document()
	if err := l.Coordinator.PutSong(ctx, song.Song, doc); err != nil {
		return notes, err
	}
	l.Start(ctx)
	for _, key := range song.Keys {
		if err := l.Coordinator.Announce(ctx, definition.BucketRaw, key); err != nil {
			return notes, err
		}
	}
	return notes, nil
}

// Definition submits a song and returns the automatic definition it comes to,
// as soon as there is one. The notes are for a person.
func (l *Process) Definition(ctx context.Context, song Folder) (text []byte, notes []string, err error) {
	if notes, err = l.Submit(ctx, song); err != nil {
		return nil, notes, err
	}
	text, err = l.awaitDefinition(ctx, song)
	return text, notes, err
}

func (l *Process) awaitDefinition(ctx context.Context, song Folder) ([]byte, error) {
	fctx, stop := context.WithCancel(ctx)
	defer stop()
	key := definition.NameKey{Song: song.Song, Name: definition.AutoName}.DefinitionKey()
	for st, err := range l.Coordinator.Follow(fctx, song.Song, "") {
		if err != nil {
			return nil, err
		}
		if st.Settled && st.Run == "" {
			return nil, &InputError{fmt.Errorf("nothing to render: %s", st.Error), ""}
		}
		r, _, err := l.Buckets[definition.BucketDefinition].Get(ctx, key, bucket.Range{})
		if errors.Is(err, bucket.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		defer r.Close()
		return io.ReadAll(r)
	}
	return nil, ctx.Err()
}
