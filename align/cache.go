package align

// Cache keeps measured pairs between calls of Choir. The zero value is empty
// and ready. Safe for concurrent use.
type Cache struct{}
