// Package gl opens an OpenGL 4.3 core context without a window and wraps the
// few objects the compositor needs in types of their own.
//
// A Device owns one goroutine that is locked to its OS thread for its whole
// life, because a GL context is current on a thread, not on a goroutine. All
// GL goes through Device.Do. Everything whose comment says "GL thread" must be
// called inside a function given to Do, and nowhere else. Objects belong to the
// Device they were made on; their Release may be called twice, and on nil.
//
// Coordinates: GL's origin is bottom left, ours is top left. As pictures are
// written and read with texelFetch and ReadPixels only, row 0 is simply called
// the top one everywhere and nothing is ever flipped.
package gl
