package encode_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/choirless/render/internal/av"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if n := av.Live(); n != 0 {
		fmt.Fprintf(os.Stderr, "%d things of libav's still open\n", n)
		code = 1
	}
	os.Exit(code)
}
