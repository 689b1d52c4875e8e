package definition

import (
	"fmt"
	"slices"
	"sort"
	"strings"
)

// Part is the document of one recording, as the Choirless API keeps it (camelCase
// on the wire), with our additions. What a document leaves out is not said;
// the accessors give the meaning.
type Part struct {
	PartID     PartID  `json:"partId"`
	SongID     SongID  `json:"songId,omitempty"`
	ChoirID    ChoirID `json:"choirId,omitempty"`
	UserID     string  `json:"userId,omitempty"`
	UserName   string  `json:"userName,omitempty"` // the account
	Name       string  `json:"name,omitempty"`     // who sings, as captioned; UserName when empty
	CreatedOn  string  `json:"createdOn,omitempty"`
	PartName   string  `json:"partName,omitempty"` // soprano, alto, ...
	PartNameID string  `json:"partNameId,omitempty"`
	// PartType is left out in old documents, which then mean the backing; see SongFile.Resolve.
	PartType Optional[Kind] `json:"partType,omitzero"`
	// Offset in milliseconds, used as head trim (the API's text claims the opposite sign).
	Offset Optional[float64] `json:"offset,omitzero"`
	// OffsetLocked says that a person set Offset: alignment must keep it.
	OffsetLocked bool `json:"offset_locked,omitempty"`
	// FrontendOffset is what the recorder thought its latency was, ms.
	FrontendOffset Optional[float64] `json:"frontendOffset,omitzero"`
	DriftPPM       Optional[float64] `json:"driftPpm,omitzero"`
	AspectRatio    string            `json:"aspectRatio,omitempty"` // "640:480" or "4:3"; a hint, the file decides
	Volume         Optional[float64] `json:"volume,omitzero"`       // linear; 0 mutes
	Order          Optional[int]     `json:"order,omitzero"`        // place in the layout, lower is earlier; 0 when not said
	Hidden         bool              `json:"hidden,omitempty"`      // sounds, is not shown
	Audio          bool              `json:"audio,omitempty"`       // has sound only
	Pan            Optional[float64] `json:"pan,omitzero"`          // instead of the place in the picture
	Reverb         Optional[float64] `json:"reverb,omitzero"`       // send, 1 as the song says
	Rotate         Optional[int]     `json:"rotate,omitzero"`       // clockwise degrees on top of the file's own
	Crop           Optional[Crop]    `json:"crop,omitzero"`         // window of the upright picture, see Input
	Fit            Optional[Fit]     `json:"fit,omitzero"`
	Caption        Optional[bool]    `json:"caption,omitzero"`
	Cleanup        []string          `json:"cleanup,omitempty"`
}

// DisplayName returns the name to show: Name, else UserName, else PartName.
func (p *Part) DisplayName() string {
	for _, s := range []string{p.Name, p.UserName, p.PartName} {
		if s = strings.TrimSpace(s); s != "" {
			return s
		}
	}
	return ""
}

// FallbackOffset is the offset, in ms, to use when nothing was measured: Offset
// when it says anything but 0, else FrontendOffset, else 0.
func (p *Part) FallbackOffset() float64 {
	if v := p.Offset.Or(0); v != 0 || p.OffsetLocked {
		return v
	}
	return p.FrontendOffset.Or(0)
}

// DocumentID returns the id under which the part is stored:
// <choir>:song:<song>:part:<part>.
func DocumentID(s Song, part PartID) string {
	return fmt.Sprintf("%s:song:%s:part:%s", s.Choir, s.Song, part)
}

// Settings are what a person says about a song as a whole.
type Settings struct {
	Name   string        `json:"name,omitempty"` // of the song, for people
	Output Output        `json:"output,omitzero"`
	Layout LayoutOptions `json:"layout,omitzero"`
	// Auto says whether an automatic definition is made; it is unless told.
	Auto Optional[bool] `json:"auto,omitzero"`
}

// SongFile is song.json: what a person says about a song and its parts.
type SongFile struct {
	Song
	Settings
	// Parts are in the order of the file.
	Parts []Part
}

// LayoutOptions say how tiles are laid out when a definition is made. They are
// options of making it: the definition itself holds the rectangles.
type LayoutOptions struct {
	Mode   Optional[string] `json:"mode,omitzero"`   // rows, stretch or boxjam
	Margin Optional[int]    `json:"margin,omitzero"` // px between tiles and around them
	Center Optional[bool]   `json:"center,omitzero"`
}

// Resolve returns one document for every part in ids, in the order of ids, with
// PartType said and SongID, ChoirID filled in. Parts the file does not mention get
// a document of their own. The backing is
//
//  1. the one part whose document says so,
//  2. else the first by id, among those that do not say otherwise when there are any.
//
// Documents of the old API say backing by default, so several may claim it: then the
// first by id of those is it, the others become renditions, and a note names them.
// Notes also name what is said and cannot be used: an offset of the backing, which is
// taken out, and documents of parts that are not in ids.
func (f *SongFile) Resolve(song Song, ids []PartID) ([]Part, []string) {
	docs := map[PartID]Part{}
	if f != nil {
		for _, p := range f.Parts {
			docs[p.PartID] = p
		}
	}
	out := make([]Part, len(ids))
	var claim, open, all []int
	for i, id := range ids {
		p := docs[id]
		p.PartID, p.SongID, p.ChoirID = id, song.Song, song.Choir
		out[i] = p
		all = append(all, i)
		if k, ok := p.PartType.Get(); ok && k == Backing {
			claim = append(claim, i)
		} else if !ok {
			open = append(open, i)
		}
	}
	backing := -1
	for _, c := range [][]int{claim, open, all} {
		if len(c) > 0 {
			sort.Slice(c, func(a, b int) bool { return ids[c[a]] < ids[c[b]] })
			backing = c[0]
			break
		}
	}
	var notes []string
	for i := range out {
		k, said := out[i].PartType.Get()
		switch {
		case i == backing:
			if said && k != Backing {
				notes = append(notes, fmt.Sprintf("part %q: no part is the backing, so its time line is the song's", out[i].PartID))
			}
			out[i].PartType = Some(Backing)
			if out[i].Offset.Or(0) != 0 {
				notes = append(notes, fmt.Sprintf("part %q: the backing's time is the song's, its offset is not used", out[i].PartID))
			}
			out[i].Offset, out[i].OffsetLocked = Optional[float64]{}, false
		case said && k == Backing:
			notes = append(notes, fmt.Sprintf("part %q: a backing beside %q, taken as a rendition", out[i].PartID, out[backing].PartID))
			out[i].PartType = Some(Rendition)
		case !said:
			out[i].PartType = Some(Rendition)
		}
	}
	if f != nil {
		for _, p := range f.Parts {
			if !slices.Contains(ids, p.PartID) {
				notes = append(notes, fmt.Sprintf("part %q: there is no recording of it", p.PartID))
			}
		}
	}
	return out, notes
}
