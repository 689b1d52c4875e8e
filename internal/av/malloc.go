package av

// Decoders and encoders take and give back pictures of every size all the
// time. glibc's allocator then raises the size above which it maps memory, up
// to 32 MB, and keeps what was given back: a render of sixteen parts held 130 MB
// it did not use. With a fixed threshold large buffers go back to the system;
// measured on that render: 521 MB peak before, 393 MB after, CPU time equal.

// #include <malloc.h>
// static void choir_malloc(void) {
//	mallopt(M_MMAP_THRESHOLD, 256 << 10);
//	mallopt(M_TRIM_THRESHOLD, 16 << 20);
//	mallopt(M_ARENA_MAX, 2);
// }
import "C"

func init() { C.choir_malloc() }
