package av

//#include "av.h"
import "C"

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/asticode/go-astiav"
)

// All decoders on a card share one CUDA context: each would make its own otherwise,
// which takes a tenth of a second and some hundred megabytes of the card's memory.
// It lives as long as the process.
var cudaDevice = sync.OnceValues(func() (*C.AVBufferRef, error) {
	log := markLog()
	var device *C.AVBufferRef
	if r := C.av_hwdevice_ctx_create(&device, C.AV_HWDEVICE_TYPE_CUDA, nil, nil, 0); r < 0 {
		// What libav logs it from is gone by now, so anybody's messages are taken.
		said := strings.Join(log.since(nil), "; ")
		if said == "" {
			said = astiav.Error(r).Error()
		}
		return nil, fmt.Errorf("no CUDA device: %s", said)
	}
	return device, nil
})

// CUDA returns nil if there is an NVIDIA card with its driver, and else why not. It
// is found out once, which may block for a second. Safe for concurrent use.
func CUDA() error {
	_, err := cudaDevice()
	return err
}

// useCUDA has a decoder that is not open yet work on the card.
func useCUDA(c *C.AVCodecContext) error {
	device, err := cudaDevice()
	if err != nil {
		return err
	}
	if C.choir_decode_on(c, device) < 0 {
		return errors.New("av: out of memory")
	}
	return nil
}
