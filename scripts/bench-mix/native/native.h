/* Rivals of package mix that are C and C++ libraries; for benchmarks only. */
#ifdef __cplusplus
extern "C" {
#endif

/* loudness of n interleaved stereo frames by libebur128; 0 when all went well */
int choir_loudness(const float *x, long n, int rate, double *lufs, double *range, double *peak);

/* zita-convolver over two planar channels of n samples with two responses of m
   samples, in place, with partitions of quantum samples; 0 when all went well */
int choir_zita(float *left, float *right, long n, float *hl, float *hr, int m, int quantum);

#ifdef __cplusplus
}
#endif
