package fft

import (
	"os"
	"os/exec"
	"runtime"
	"testing"
)

// The kernels behind goexperiment.simd, here and in mix, pass the same tests.
func TestSIMDBuild(t *testing.T) {
	if Kernel != "go" {
		return // this is it
	}
	if runtime.GOARCH != "amd64" {
		t.Skipf("the simd package knows nothing of %s", runtime.GOARCH)
	}
	c := exec.Command("go", "test", "-count=1", "-run", "^Test(Forward|Inverse|Real|MulAdd|Convolver|ResamplerImpulse|Drift)", ".", "..")
	c.Env = append(os.Environ(), "GOEXPERIMENT=simd", "CGO_ENABLED=0")
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
