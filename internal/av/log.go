package av

//#include "av.h"
import "C"

import (
	"strings"
	"unsafe"
)

// libav's log never reaches stderr: the last warnings are kept, and those of a
// context become part of the error that ends it.
func init() { C.choir_log_install() }

// logMark remembers a point in the log.
type logMark C.uint64_t

func markLog() logMark { return logMark(C.choir_log_mark()) }

// since returns what owner (a format or codec context, nil for anybody) has logged
// since the mark.
func (m logMark) since(owner unsafe.Pointer) []string {
	var buf [4096]C.char
	n := C.choir_log_collect(owner, C.uint64_t(m), &buf[0], C.int(len(buf)))
	if n == 0 {
		return nil
	}
	return strings.Split(strings.TrimSuffix(C.GoStringN(&buf[0], n), "\n"), "\n")
}
