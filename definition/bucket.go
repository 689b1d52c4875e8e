package definition

// The buckets by role. What they are called in an object store is configuration.
const (
	BucketRaw        = "raw"         // uploads, as the browser sent them
	BucketSnapshots  = "snapshots"   // JPEG of a part, and of the final
	BucketConverted  = "converted"   // parts in the common format, their features beside them
	BucketDefinition = "definition"  // what to render; an object here starts a render
	BucketFinalParts = "final-parts" // cells, stripe sounds, and what a run hands on between stages
	BucketPreview    = "preview"     // stitched, before post-production
	BucketFinal      = "final"       // what people watch
	BucketMisc       = "misc"        // watermarks, background images and impulse responses
)

// Buckets lists all roles, in the order a part travels.
func Buckets() []string {
	return []string{
		BucketRaw, BucketSnapshots, BucketConverted, BucketDefinition,
		BucketFinalParts, BucketPreview, BucketFinal, BucketMisc,
	}
}
