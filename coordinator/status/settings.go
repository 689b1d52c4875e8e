package status

import (
	"encoding/json"
	"fmt"

	"github.com/choirless/render/definition"
	"github.com/choirless/render/store"
)

// Settings returns the settings of a song; those of one that has none say only whether
// an automatic definition is made.
func Settings(s store.Song) (definition.Settings, error) {
	var set definition.Settings
	if len(s.Settings) > 0 {
		if err := json.Unmarshal(s.Settings, &set); err != nil {
			return definition.Settings{}, fmt.Errorf("song %q: settings: %w", s.Song.Song, err)
		}
	}
	set.Auto = definition.Some(s.Auto)
	return set, nil
}
