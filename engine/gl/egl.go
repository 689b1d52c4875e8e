package gl

// How a context comes about without a window:
//
//  1. Mesa's surfaceless platform: any Mesa driver, llvmpipe included.
//  2. EGL device enumeration: how NVIDIA's driver wants to be opened.
//  3. The default display: whatever else there may be.
//
// They are tried in this order and the first that draws in hardware wins; if
// none does, the first that works at all. (Taking the first that works would
// pick llvmpipe on an NVIDIA machine that also has Mesa installed.)
//
// llvmpipe rasterises on threads of its own unless LP_NUM_THREADS=0. For our
// short passes handing work to threads costs more than it brings, and the cores
// are busy decoding and encoding, so the setting is made before the context
// that will be used is opened, and only when a throw-away context has shown the
// renderer to be llvmpipe. Mesa reads the C environment, which os.Setenv does
// not change in every build, hence setenv. A value set by the user stays.

/*
#cgo pkg-config: egl
#include <EGL/egl.h>
#include <EGL/eglext.h>
#include <stdlib.h>
#include <string.h>

#ifndef EGL_PLATFORM_SURFACELESS_MESA
#define EGL_PLATFORM_SURFACELESS_MESA 0x31DD
#endif

static EGLDisplay choir_platform_display(EGLenum platform, void *native) {
	PFNEGLGETPLATFORMDISPLAYEXTPROC get =
		(PFNEGLGETPLATFORMDISPLAYEXTPROC)eglGetProcAddress("eglGetPlatformDisplayEXT");
	return get ? get(platform, native, NULL) : EGL_NO_DISPLAY;
}

static EGLDisplay choir_default_display(void) { return eglGetDisplay(EGL_DEFAULT_DISPLAY); }

static int choir_devices(EGLDeviceEXT *list, int max) {
	PFNEGLQUERYDEVICESEXTPROC query =
		(PFNEGLQUERYDEVICESEXTPROC)eglGetProcAddress("eglQueryDevicesEXT");
	EGLint n = 0;
	if (!query || !query(max, list, &n)) return 0;
	return n;
}

static EGLContext choir_create_context(EGLDisplay d) {
	EGLint want[] = {EGL_SURFACE_TYPE, EGL_PBUFFER_BIT, EGL_RENDERABLE_TYPE, EGL_OPENGL_BIT, EGL_NONE};
	EGLint attr[] = {EGL_CONTEXT_MAJOR_VERSION, 4, EGL_CONTEXT_MINOR_VERSION, 3,
		EGL_CONTEXT_OPENGL_PROFILE_MASK, EGL_CONTEXT_OPENGL_CORE_PROFILE_BIT, EGL_NONE};
	EGLConfig config = NULL;
	EGLint n = 0;
	eglBindAPI(EGL_OPENGL_API);
	// No config fits on some drivers without surfaces; a context may do without one.
	if (!eglChooseConfig(d, want, &config, 1, &n) || n < 1) config = NULL;
	return eglCreateContext(d, config, EGL_NO_CONTEXT, attr);
}

static int choir_current(EGLDisplay d, EGLContext c) {
	return eglMakeCurrent(d, EGL_NO_SURFACE, EGL_NO_SURFACE, c);
}

static int choir_release(EGLDisplay d) {
	return eglMakeCurrent(d, EGL_NO_SURFACE, EGL_NO_SURFACE, EGL_NO_CONTEXT);
}

// 0x1F01 is GL_RENDERER.
static const char *choir_renderer(void) {
	const unsigned char *(*get)(unsigned) = (const unsigned char *(*)(unsigned))eglGetProcAddress("glGetString");
	return get ? (const char *)get(0x1F01) : NULL;
}

static void *choir_proc(const char *name) { return (void *)eglGetProcAddress(name); }

static int choir_is_no_display(EGLDisplay d) { return d == EGL_NO_DISPLAY; }
static int choir_is_no_context(EGLContext c) { return c == EGL_NO_CONTEXT; }
*/
import "C"

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"unsafe"
)

// maxDevices bounds EGL device enumeration; machines have a handful.
const maxDevices = 16

// source is a way to open a display.
type source struct {
	name    string
	display func() C.EGLDisplay
}

// egl is the process's EGL state. Displays are shared by every context opened
// on them, so they are counted, and terminated when the last user goes.
var egl = struct {
	sync.Mutex
	users  map[C.EGLDisplay]int
	chosen map[bool]*source // by "software wanted"
}{users: map[C.EGLDisplay]int{}, chosen: map[bool]*source{}}

// eglContext is an open EGL context on a display.
type eglContext struct {
	display C.EGLDisplay
	context C.EGLContext
	source  string
}

func sources() []*source {
	list := []*source{{"surfaceless", func() C.EGLDisplay {
		return C.choir_platform_display(C.EGL_PLATFORM_SURFACELESS_MESA, nil)
	}}}
	var devices [maxDevices]C.EGLDeviceEXT
	n := int(C.choir_devices(&devices[0], maxDevices))
	for i := range n {
		device := devices[i]
		list = append(list, &source{fmt.Sprintf("device %d", i), func() C.EGLDisplay {
			return C.choir_platform_display(C.EGL_PLATFORM_DEVICE_EXT, unsafe.Pointer(device))
		}})
	}
	return append(list, &source{"default display", func() C.EGLDisplay { return C.choir_default_display() }})
}

// openContext opens a context and makes it current on the calling thread.
// GL thread.
func openContext(software bool) (*eglContext, string, error) {
	egl.Lock()
	defer egl.Unlock()
	chosen := egl.chosen[software]
	if chosen == nil {
		s, err := choose(software)
		if err != nil {
			return nil, "", err
		}
		chosen, egl.chosen[software] = s, s
	}
	return chosen.open()
}

// choose finds the source to use by opening a throw-away context on each.
// The lock must be held.
func choose(software bool) (*source, error) {
	var soft *source
	var errs []error
	for _, s := range sources() {
		c, renderer, err := s.open()
		if err != nil {
			errs = append(errs, err)
			continue
		}
		c.close()
		if !isSoftware(renderer) {
			if !software {
				return s, nil
			}
			errs = append(errs, fmt.Errorf("egl: %s: %q is not a software renderer", s.name, renderer))
			continue
		}
		if soft == nil {
			soft = s
			if isLLVMpipe(renderer) && os.Getenv("LP_NUM_THREADS") == "" {
				setenv("LP_NUM_THREADS", "0")
			}
			if software {
				break
			}
		}
	}
	if soft == nil {
		return nil, fmt.Errorf("no OpenGL 4.3 context: %w", errors.Join(errs...))
	}
	return soft, nil
}

// open opens the source, and makes it current. The lock must be held.
func (s *source) open() (_ *eglContext, renderer string, err error) {
	d := s.display()
	if C.choir_is_no_display(d) != 0 {
		return nil, "", fmt.Errorf("egl: %s: no display: %s", s.name, eglError())
	}
	if egl.users[d] == 0 && C.eglInitialize(d, nil, nil) == C.EGL_FALSE {
		return nil, "", fmt.Errorf("egl: %s: initialize: %s", s.name, eglError())
	}
	egl.users[d]++
	c := &eglContext{display: d, context: C.choir_create_context(d), source: s.name}
	defer func() {
		if err != nil {
			c.close()
		}
	}()
	if C.choir_is_no_context(c.context) != 0 {
		return nil, "", fmt.Errorf("egl: %s: create OpenGL 4.3 core context: %s", s.name, eglError())
	}
	if C.choir_current(d, c.context) == C.EGL_FALSE {
		return nil, "", fmt.Errorf("egl: %s: make current without a surface: %s", s.name, eglError())
	}
	name := C.choir_renderer()
	if name == nil {
		return nil, "", fmt.Errorf("egl: %s: the context names no renderer", s.name)
	}
	return c, C.GoString(name), nil
}

// close destroys the context. The lock must be held.
func (c *eglContext) close() {
	C.choir_release(c.display)
	if C.choir_is_no_context(c.context) == 0 {
		C.eglDestroyContext(c.display, c.context)
	}
	if egl.users[c.display]--; egl.users[c.display] == 0 {
		delete(egl.users, c.display)
		C.eglTerminate(c.display)
	}
	C.eglReleaseThread()
}

// closeLocked is close for callers that do not hold the lock.
func (c *eglContext) closeLocked() {
	egl.Lock()
	defer egl.Unlock()
	c.close()
}

func procAddress(name string) unsafe.Pointer {
	s := C.CString(name)
	defer C.free(unsafe.Pointer(s))
	return C.choir_proc(s)
}

func setenv(key, value string) {
	k, v := C.CString(key), C.CString(value)
	defer C.free(unsafe.Pointer(k))
	defer C.free(unsafe.Pointer(v))
	C.setenv(k, v, 1)
}

func isLLVMpipe(renderer string) bool { return strings.Contains(renderer, "llvmpipe") }

func isSoftware(renderer string) bool {
	for _, s := range []string{"llvmpipe", "softpipe", "swrast", "SwiftShader", "Software Rasterizer"} {
		if strings.Contains(renderer, s) {
			return true
		}
	}
	return false
}

// eglError names the last EGL error of the calling thread.
func eglError() string {
	code := C.eglGetError()
	names := map[C.EGLint]string{
		C.EGL_SUCCESS: "no reason given", C.EGL_NOT_INITIALIZED: "EGL_NOT_INITIALIZED", C.EGL_BAD_ACCESS: "EGL_BAD_ACCESS",
		C.EGL_BAD_ALLOC: "EGL_BAD_ALLOC", C.EGL_BAD_ATTRIBUTE: "EGL_BAD_ATTRIBUTE", C.EGL_BAD_CONFIG: "EGL_BAD_CONFIG",
		C.EGL_BAD_CONTEXT: "EGL_BAD_CONTEXT", C.EGL_BAD_DISPLAY: "EGL_BAD_DISPLAY", C.EGL_BAD_MATCH: "EGL_BAD_MATCH",
		C.EGL_BAD_PARAMETER: "EGL_BAD_PARAMETER", C.EGL_CONTEXT_LOST: "EGL_CONTEXT_LOST",
	}
	if n, ok := names[code]; ok {
		return n
	}
	return fmt.Sprintf("EGL error 0x%x", int(code))
}
