package gl

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"testing"
)

func open(t *testing.T) *Device {
	t.Helper()
	d, err := Open(t.Context(), Options{})
	if err != nil {
		if os.Getenv("CHOIR_REQUIRE_GL") == "1" {
			t.Fatalf("CHOIR_REQUIRE_GL=1: %v", err)
		}
		t.Skipf("no OpenGL here: %v", err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func TestOpenAndLimits(t *testing.T) {
	d := open(t)
	l := d.Limits()
	t.Logf("%+v", l)
	// The least that GL 4.3 promises, table 23.55 and after.
	if l.TextureSize < 16384 || l.BufferTexels < 65536 || l.ColorTargets < 8 {
		t.Errorf("limits %+v are below what GL 4.3 promises", l)
	}
	if isLLVMpipe(l.RendererName) {
		err := d.Do(t.Context(), func() error {
			if got := threadsNamed("llvmpipe"); got != 0 {
				return fmt.Errorf("%d rasteriser threads, want none: LP_NUM_THREADS came too late", got)
			}
			return nil
		})
		if err != nil && os.Getenv("LP_NUM_THREADS") == "" {
			t.Error(err)
		}
	}
}

// threadsNamed counts this process's threads by the beginning of their names.
func threadsNamed(prefix string) int {
	entries, _ := os.ReadDir("/proc/self/task")
	n := 0
	for _, e := range entries {
		name, _ := os.ReadFile("/proc/self/task/" + e.Name() + "/comm")
		if len(name) >= len(prefix) && string(name[:len(prefix)]) == prefix {
			n++
		}
	}
	return n
}

func TestDoRunsOnOneThreadAndEnds(t *testing.T) {
	d := open(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	if err := d.Do(ctx, func() error { return os.ErrExist }); err != os.ErrExist {
		t.Errorf("Do = %v, want the error of the function", err)
	}
	cancel(os.ErrDeadlineExceeded)
	ran := false
	if err := d.Do(ctx, func() error { ran = true; return nil }); err != os.ErrDeadlineExceeded || ran {
		t.Errorf("Do on an ended context = %v, ran %v; want its cause and nothing run", err, ran)
	}
	d.Close()
	d.Close()
	if err := d.Do(t.Context(), func() error { return nil }); err != ErrClosed {
		t.Errorf("Do after Close = %v, want %v", err, ErrClosed)
	}
}

func TestTwoDevicesLiveApart(t *testing.T) {
	a, b := open(t), open(t)
	a.Close()
	// Closing a must not have terminated the display that b shares with it.
	err := b.Do(t.Context(), func() error {
		x, err := NewTexture(R8, 4, 4, 0)
		if err != nil {
			return err
		}
		defer x.Release()
		return Check("texture on the second device")
	})
	if err != nil {
		t.Error(err)
	}
}

func TestCheckNamesCallAndEnum(t *testing.T) {
	d := open(t)
	err := d.Do(t.Context(), func() error {
		_, err := NewTexture(R8, -1, 4, 0)
		return err
	})
	if want := "gl: texture -1x4: GL_INVALID_VALUE"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %q", err, want)
	}
	if err := d.Do(t.Context(), func() error { return Check("afterwards") }); err != nil {
		t.Errorf("the error was not drained: %v", err)
	}
}

const passVertex = "#version 430 core\nvoid main(){gl_Position=vec4(vec2(gl_VertexID&1,gl_VertexID>>1)*2.-1.,0,1);}"

func TestDrawReadsAndWritesTopLeft(t *testing.T) {
	d := open(t)
	const w, h = 5, 3
	src := []byte{
		0, 1, 2, 3, 4,
		10, 11, 12, 13, 14,
		20, 21, 22, 23, 24,
	}
	got := make([]byte, w*h)
	err := d.Do(t.Context(), func() error {
		in, err := NewTexture(R8, w, h, 0)
		if err != nil {
			return err
		}
		defer in.Release()
		out, err := NewTexture(R8, w, h, 0)
		if err != nil {
			return err
		}
		defer out.Release()
		fb, err := NewFramebuffer(out)
		if err != nil {
			return err
		}
		defer fb.Release()
		p, err := NewProgram(Stage{Name: "v", Text: passVertex}, Stage{Name: "f", Text: `#version 430 core
uniform sampler2D src; out float o;
void main(){ o = texelFetch(src, ivec2(gl_FragCoord.xy), 0).r + 100./255.; }`})
		if err != nil {
			return err
		}
		defer p.Release()
		if err := in.Upload(0, 0, w, h, src, w); err != nil {
			return err
		}
		fb.Bind()
		p.Use()
		in.Bind(0)
		p.Uniform("src").Ints(0)
		Draw(0, 0, w, h)
		if err := fb.Read(0, 0, 0, w, h, got, w); err != nil {
			return err
		}
		return Check("draw")
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range src {
		if got[i] != src[i]+100 {
			t.Errorf("sample %d,%d = %d, want %d", i%w, i/w, got[i], src[i]+100)
		}
	}
}

// TestEveryWayToAContext opens one context in each way there is. Mesa offers
// its software renderer as a device too, so the way NVIDIA's driver is opened
// is gone here as well.
func TestEveryWayToAContext(t *testing.T) {
	mesa := isLLVMpipe(open(t).Limits().RendererName)
	oneRasteriser.Lock()
	defer oneRasteriser.Unlock()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	egl.Lock()
	defer egl.Unlock()
	worked := map[string]bool{}
	for _, s := range sources() {
		c, renderer, err := s.open()
		if err != nil {
			t.Logf("%s: %v", s.name, err)
			continue
		}
		t.Logf("%s: %s", s.name, renderer)
		worked[s.name] = true
		c.close()
	}
	if mesa && !(worked["surfaceless"] && worked["device 0"]) {
		t.Errorf("on llvmpipe only these ways work: %v", worked)
	}
}
