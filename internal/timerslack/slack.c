#include <sys/prctl.h>

// Runs before the Go runtime, in the thread that all others descend from. There
// is nothing to be done if it fails: threads then wake as they always did.
__attribute__((constructor)) static void choir_timer_slack(void) {
	(void)prctl(PR_SET_TIMERSLACK, 10000000UL, 0UL, 0UL, 0UL); // ns
}
