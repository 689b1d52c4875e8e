package main

// The song is Old Hundredth (Genevan Psalter, 1551; public domain), in a plain
// four-part setting of our own in G major, one beat a note, the last of each phrase
// two beats with a breath.

// beatSeconds is 100 beats a minute.
const beatSeconds = 0.6

// leadIn is the song time of the first beat, in seconds: what the backing's file
// holds before the music begins.
const leadIn = 1.2

// phrases are the notes as MIDI numbers (69 is a' at 440 Hz), soprano, alto, tenor,
// bass.
var phrases = [4][4][8]int{
	{
		{67, 67, 66, 64, 62, 67, 69, 71},
		{62, 62, 62, 59, 59, 59, 62, 62},
		{59, 59, 57, 55, 54, 55, 54, 55},
		{55, 55, 50, 52, 47, 52, 50, 43},
	},
	{
		{71, 71, 71, 69, 67, 72, 71, 69},
		{67, 67, 67, 66, 64, 64, 62, 62},
		{62, 62, 59, 57, 59, 57, 55, 54},
		{55, 55, 52, 50, 52, 45, 50, 50},
	},
	{
		{67, 69, 71, 69, 67, 64, 66, 67},
		{59, 62, 62, 66, 64, 60, 60, 59},
		{55, 54, 55, 57, 59, 55, 57, 55},
		{52, 50, 55, 50, 52, 48, 50, 43},
	},
	{
		{74, 71, 67, 69, 72, 71, 69, 67},
		{67, 67, 64, 62, 64, 62, 60, 59},
		{59, 62, 59, 57, 57, 55, 54, 55},
		{55, 55, 52, 54, 45, 50, 50, 43},
	},
}

// words are the vowels of "All people that on earth do dwell" and its three
// companions (William Kethe, 1561; public domain), one a note, and whether a hiss
// (s, sh, t, ch, f) comes before it.
var words = [4][8]struct {
	vowel byte
	hiss  bool
}{
	{{'o', false}, {'i', false}, {'o', false}, {'a', true}, {'o', false}, {'e', false}, {'u', true}, {'e', false}},
	{{'i', true}, {'u', true}, {'e', false}, {'o', false}, {'i', true}, {'i', true}, {'u', false}, {'o', false}},
	{{'i', false}, {'e', true}, {'i', false}, {'i', true}, {'i', true}, {'e', false}, {'o', true}, {'e', true}},
	{{'o', false}, {'i', false}, {'e', false}, {'o', false}, {'i', true}, {'a', false}, {'e', false}, {'o', true}},
}

// Voice names the four lines of the setting.
type Voice int

const (
	Soprano Voice = iota
	Alto
	Tenor
	Bass
)

var voiceNames = [4]string{"soprano", "alto", "tenor", "bass"}

// String returns the name in lower case.
func (v Voice) String() string { return voiceNames[v] }

// Note is one note of one line; times are song time in seconds.
type Note struct {
	Start, End float64
	Pitch      int  // MIDI number
	Vowel      byte // a e i o u
	Hiss       bool
	First      bool // of a phrase
}

// line returns the notes of a voice that begin before end, the song repeated as
// often as that takes.
func line(v Voice, end float64) []Note {
	var notes []Note
	t := leadIn
	for verse := 0; ; verse++ {
		for p := range phrases {
			for i := range 8 {
				length := beatSeconds
				if i == 7 {
					length = 2 * beatSeconds
				}
				if t+0.3 > end {
					return notes
				}
				off := t + length - 0.03
				if i == 7 {
					off = t + length - 0.3 // breath
				}
				w := words[p][i]
				notes = append(notes, Note{
					Start: t, End: min(off, end-0.1), Pitch: phrases[p][v][i],
					Vowel: w.vowel, Hiss: w.hiss, First: i == 0,
				})
				t += length
			}
		}
		t += 2 * beatSeconds // between verses
	}
}

// songSeconds is how long one verse takes with its lead-in and the last note's echo.
const songSeconds = leadIn + 36*beatSeconds + 1.2
