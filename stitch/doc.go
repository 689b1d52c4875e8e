// Package stitch joins H.264 stripes into whole pictures and pictures into
// movies by rewriting headers only: nothing is decoded, nothing is lost.
//
// Each stripe is encoded on its own as a small video. A coded picture of the
// result is the slices of all stripes, top to bottom: the sequence parameter
// set gets the full height, every slice header a new first_mb_in_slice, and the
// deblocking filter is kept from crossing slices. Entropy coded data is copied.
// Segments (closed GOPs, each beginning with an IDR picture) follow each other
// in the same stream.
//
// The result decodes to exactly the stacked stripes if, and only if, no motion
// vector of a stripe reads outside of it. Stock libx264 does not promise that;
// the one built by scripts/x264 does, and says so in its SEI (StripeMV).
//
// Specifications:
//
//	ITU-T H.264 (08/2021)        byte stream, parameter sets, slice headers
//	ISO/IEC 14496-12:2015        boxes of the MP4 file (ISO base media)
//	ISO/IEC 14496-14, -15, -1    MP4, H.264 in MP4, elementary stream descriptors
//	RFC 9559                     Matroska
//
// Pure Go. Bytes in, bytes out: no codec, no file names, no network.
package stitch
