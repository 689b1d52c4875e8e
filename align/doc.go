// Package align finds where a recording belongs in a song.
//
// A part is reduced to [Features] once, by an [Extractor], on the node that
// converts it. Everything after that is correlation of features: [Pair] places
// one part against one reference, [Choir] places all parts of a song together.
// No sound is needed any more and nothing is random: the same features give the
// same result on every machine.
//
// Sign: a [media.Offset] is positive when the events of the part come later in
// its file than the same events in the reference's file, so that its head is to
// be trimmed. Exchanging reference and part changes the sign.
//
// A result is never wrong in silence: [Result.Confidence] is the probability,
// calibrated on several hundred synthetic pairs, that the offset is within 60 ms
// of the truth, and [Result.NeedsReview] says that a person should look.
package align

// Version is of the method. Raise it whenever the same features may give another
// result, so that results kept from before are not taken for today's.
const Version = 2
