package gl

import (
	"strings"

	"github.com/go-gl/gl/v4.3-core/gl"
)

// What drivers say of their memory, in KiB (GL_NVX_gpu_memory_info and
// GL_ATI_meminfo, OpenGL extension registry).
const (
	memoryNVX = 0x9049 // GPU_MEMORY_INFO_CURRENT_AVAILABLE_VIDMEM_NVX
	memoryATI = 0x87FC // TEXTURE_FREE_MEMORY_ATI, four numbers
)

// FreeMemory returns how many bytes of the GPU's own memory are free, and false
// where the driver does not say. Must be called on the GL thread.
func FreeMemory() (int64, bool) {
	var name uint32
	var count int32
	gl.GetIntegerv(gl.NUM_EXTENSIONS, &count)
	for i := range uint32(count) {
		switch e := gl.GoStr(gl.GetStringi(gl.EXTENSIONS, i)); {
		case strings.HasSuffix(e, "NVX_gpu_memory_info"):
			name = memoryNVX
		case strings.HasSuffix(e, "ATI_meminfo"):
			name = memoryATI
		}
	}
	if name == 0 {
		return 0, false
	}
	var kib [4]int32
	gl.GetIntegerv(name, &kib[0])
	if Check("GetIntegerv(free memory)") != nil {
		return 0, false
	}
	return int64(kib[0]) << 10, true
}
