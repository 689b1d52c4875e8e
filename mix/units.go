package mix

import "math"

// LUFS is a loudness relative to full scale, ITU-R BS.1770-4. Silence is -Inf.
type LUFS float64

// DBTP is a true peak in dB relative to full scale. Silence is -Inf.
type DBTP float64

// GainOf returns the linear factor of a level in dB; -Inf gives 0.
func GainOf(db float64) float64 { return math.Pow(10, db/20) }

// DBOf returns the level in dB of a linear factor, by its magnitude; 0 gives -Inf.
func DBOf(gain float64) float64 { return 20 * math.Log10(math.Abs(gain)) }

// dbFloor returns DBOf(gain), not below floor; NaN gives floor.
func dbFloor(gain, floor float64) float64 {
	if db := DBOf(gain); db > floor {
		return db
	}
	return floor
}
