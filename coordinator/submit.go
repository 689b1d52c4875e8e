package coordinator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/choirless/render/coordinator/status"
	"github.com/choirless/render/definition"
	"github.com/choirless/render/store"
)

// PutSong stores what a song file says: the song's settings, and the document of
// every part it mentions. A nil file only makes the song known.
func (c *Coordinator) PutSong(ctx context.Context, id definition.Song, f *definition.SongFile) error {
	if f == nil {
		return c.store.PutSong(ctx, id, nil)
	}
	text, err := json.Marshal(f.Settings)
	if err != nil {
		return fmt.Errorf("song %q: settings: %w", id.Song, err)
	}
	if err := c.store.PutSong(ctx, id, text); err != nil {
		return err
	}
	for _, p := range f.Parts {
		if err := c.PutPart(ctx, id, p); err != nil {
			return err
		}
	}
	return nil
}

// PutSettings makes the song known and replaces its settings. It is planned again when
// they changed; what the change does not touch is not rendered again.
func (c *Coordinator) PutSettings(ctx context.Context, id definition.Song, set definition.Settings) error {
	if err := c.store.PutSong(ctx, id, nil); err != nil {
		return err
	}
	// Whatever they were, also where that cannot be read.
	return c.store.EditSong(ctx, id, func(store.Song) (json.RawMessage, bool, error) { return storedSettings(id, set) })
}

// EditSettings is PutSettings of what edit makes of those that a song has. The error is
// edit's, or ErrNotFound of the store when there is no such song.
func (c *Coordinator) EditSettings(ctx context.Context, id definition.Song, edit func(definition.Settings) (definition.Settings, error)) error {
	return c.store.EditSong(ctx, id, func(s store.Song) (json.RawMessage, bool, error) {
		set, err := status.Settings(s)
		if err != nil {
			return nil, false, err
		}
		if set, err = edit(set); err != nil {
			return nil, false, err
		}
		return storedSettings(id, set)
	})
}

// storedSettings is settings as the store keeps them: auto has a place of its own.
func storedSettings(id definition.Song, set definition.Settings) (_ json.RawMessage, auto bool, _ error) {
	auto = set.Auto.Or(true)
	set.Auto = definition.Optional[bool]{}
	text, err := json.Marshal(set)
	if err != nil {
		return nil, false, fmt.Errorf("song %q: settings: %w", id.Song, err)
	}
	return text, auto, nil
}

// PutPart stores the document of a part. The song is planned again when it
// changed; what the change does not touch is not rendered again.
func (c *Coordinator) PutPart(ctx context.Context, song definition.Song, doc definition.Part) error {
	id := store.PartID{Song: song, Part: doc.PartID}
	text, err := partDocument(id, doc)
	if err != nil {
		return err
	}
	if err := c.store.PutPart(ctx, id, text); err != nil {
		return err
	}
	// Another rotation is another reading of the recording: its snapshot turns.
	return c.ingest(ctx, id, store.Raw{})
}

// EditPart is PutPart of what edit makes of the document a part has, "" when it has none.
// The error is edit's, or ErrNotFound of the store when there is no such part.
func (c *Coordinator) EditPart(ctx context.Context, id store.PartID, edit func(doc []byte) (definition.Part, error)) error {
	err := c.store.EditPart(ctx, id, func(doc json.RawMessage) (json.RawMessage, error) {
		p, err := edit(doc)
		if err != nil {
			return nil, err
		}
		return partDocument(id, p)
	})
	if err != nil {
		return err
	}
	return c.ingest(ctx, id, store.Raw{})
}

// partDocument is a document as the store keeps it.
func partDocument(id store.PartID, doc definition.Part) ([]byte, error) {
	doc.PartID, doc.ChoirID, doc.SongID = id.Part, id.Choir, id.Song.Song
	text, err := json.Marshal(doc)
	if err != nil {
		return nil, fmt.Errorf("part %q: document: %w", id.Part, err)
	}
	if _, err := definition.ParsePart(text); err != nil {
		return nil, fmt.Errorf("part %q: %w", id.Part, err)
	}
	return text, nil
}

// SetAuto says whether a song gets an automatic definition; it does unless told.
// Offsets are measured all the same.
func (c *Coordinator) SetAuto(ctx context.Context, id definition.Song, auto bool) error {
	return c.store.SetAuto(ctx, id, auto)
}

// Cancel ends a render; false when it was over. Tasks that nodes have begun are
// let run, for the next render to use.
func (c *Coordinator) Cancel(ctx context.Context, run string) (bool, error) {
	return c.store.CancelRender(ctx, run, "cancelled by a person")
}

// Rerender renders the newest definition of that name once more and returns the
// new run. What is still valid is not made again.
func (c *Coordinator) Rerender(ctx context.Context, id definition.Song, name string) (string, error) {
	last, err := c.store.LatestRender(ctx, id, definition.NameOr(name))
	if err != nil {
		return "", err
	}
	r, _, err := c.store.AddRender(ctx, store.NewRender{
		Run: randomID(8), Song: id, Name: last.Name, Key: last.Key, ETag: last.ETag, Definition: last.Definition, Force: true,
	})
	return r.Run, err
}

// Retry gives parts that were refused or left out another chance, and renders the
// song again. It returns the run of the newest render when a definition made by
// a person was asked for, and "" when the automatic definition follows by itself.
func (c *Coordinator) Retry(ctx context.Context, id definition.Song, name string) (string, error) {
	if err := c.store.ReviveSong(ctx, id); err != nil {
		return "", err
	}
	song, err := c.store.Song(ctx, id)
	if err != nil || (song.Auto && definition.NameOr(name) == definition.AutoName) {
		return "", err
	}
	run, err := c.Rerender(ctx, id, name)
	if errors.Is(err, store.ErrNotFound) {
		return "", nil
	}
	return run, err
}
