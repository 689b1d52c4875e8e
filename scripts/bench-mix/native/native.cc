#include "native.h"

#include <string.h>

#include <ebur128.h>
#include <zita-convolver.h>

extern "C" int choir_loudness(const float *x, long n, int rate, double *lufs, double *range, double *peak) {
	ebur128_state *s = ebur128_init(2, rate, EBUR128_MODE_I | EBUR128_MODE_LRA | EBUR128_MODE_TRUE_PEAK);
	if (!s) return 1;
	double l = 0, r = 0;
	int bad = ebur128_add_frames_float(s, x, n) || ebur128_loudness_global(s, lufs) ||
		ebur128_loudness_range(s, range) || ebur128_true_peak(s, 0, &l) || ebur128_true_peak(s, 1, &r);
	*peak = l > r ? l : r;
	ebur128_destroy(&s);
	return bad;
}

extern "C" int choir_zita(float *left, float *right, long n, float *hl, float *hr, int m, int quantum) {
	Convproc c;
	if (c.configure(2, 2, m, quantum, quantum, quantum, 0.0f)) return 1;
	if (c.impdata_create(0, 0, 1, hl, 0, m) || c.impdata_create(1, 1, 1, hr, 0, m)) return 2;
	if (c.start_process(0, 0)) return 3;
	for (long at = 0; at + quantum <= n; at += quantum) {
		memcpy(c.inpdata(0), left + at, quantum * sizeof(float));
		memcpy(c.inpdata(1), right + at, quantum * sizeof(float));
		if (c.process(true)) return 4;
		memcpy(left + at, c.outdata(0), quantum * sizeof(float));
		memcpy(right + at, c.outdata(1), quantum * sizeof(float));
	}
	c.stop_process();
	c.cleanup();
	return 0;
}
