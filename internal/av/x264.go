package av

// libx264 is named here, in the executable itself, so that the one that
// scripts/x264 builds (it can keep motion inside a stripe) is loaded before
// libavcodec asks for it; without it, it is the distribution's. $ORIGIN/.. is
// for bin/, so that a moved checkout works; ${SRCDIR} is for test binaries.
// Which library it is, nobody may conclude from here: see encode.StripeMVAvailable.

// #cgo LDFLAGS: -L${SRCDIR}/../../.prefix/x264/lib -Wl,-rpath,$ORIGIN/../.prefix/x264/lib -Wl,-rpath,${SRCDIR}/../../.prefix/x264/lib -Wl,--no-as-needed -lx264
import "C"
