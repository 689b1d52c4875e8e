package align

import (
	"encoding/binary"
	"flag"
	"os"
	"path/filepath"
	"testing"
)

var trainDir = flag.String("train", "", "write the network's input for every 16 kHz mono 16-bit WAV of this folder")

// TestTrainingInput makes the input of scripts/train-onset: what onset.net is
// trained on is computed by the code that will feed it.
func TestTrainingInput(t *testing.T) {
	if *trainDir == "" {
		t.Skip("not asked for: no -train folder")
	}
	files, err := filepath.Glob(filepath.Join(*trainDir, "*.wav"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		const head = 44 // of a plain WAV
		if len(b) < head || binary.LittleEndian.Uint32(b[24:]) != workRate || string(b[36:40]) != "data" {
			t.Errorf("%s: not a plain WAV of %d Hz", file, workRate)
			continue
		}
		x := make([]float32, (len(b)-head)/2)
		for i := range x {
			x[i] = float32(int16(binary.LittleEndian.Uint16(b[head+2*i:]))) / 32768
		}
		e := NewExtractor(workRate)
		e.Write(x)
		f, err := e.Finish()
		if err != nil {
			t.Logf("%s: %v", file, err)
			continue
		}
		in := append([]byte{byte(f.origin)}, netInput(newLevels(e.short, f.note.length, melTop), newLevels(e.long, f.note.length, pitchTop))...)
		if err := os.WriteFile(file+".in", in, 0o666); err != nil {
			t.Fatal(err)
		}
	}
}
