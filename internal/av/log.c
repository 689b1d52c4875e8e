#include "av.h"
#include <pthread.h>
#include <stdio.h>

// The ring holds warnings and worse. Codec threads log too, so it has a lock.
#define LINES 64
#define WIDTH 240

static struct {
	const void *owner;
	uint64_t seq;
	char text[WIDTH];
} ring[LINES];
static uint64_t seq = 1;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void keep(void *owner, int level, const char *fmt, va_list args)
{
	if (level > AV_LOG_WARNING) return;
	char text[WIDTH];
	vsnprintf(text, sizeof text, fmt, args);
	size_t n = strlen(text);
	while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == '.')) text[--n] = 0;
	if (n == 0) return;
	pthread_mutex_lock(&lock);
	int i = seq % LINES;
	ring[i].owner = owner;
	ring[i].seq = seq++;
	memcpy(ring[i].text, text, n + 1);
	pthread_mutex_unlock(&lock);
}

void choir_log_install(void)
{
	av_log_set_level(AV_LOG_WARNING);
	av_log_set_callback(keep);
}

uint64_t choir_log_mark(void)
{
	pthread_mutex_lock(&lock);
	uint64_t s = seq;
	pthread_mutex_unlock(&lock);
	return s;
}

// choir_log_collect writes what owner, or anybody, logged since the mark, newline
// separated, repeated lines once.
int choir_log_collect(const void *owner, uint64_t since, char *out, int size)
{
	int n = 0;
	const char *last = "";
	out[0] = 0;
	pthread_mutex_lock(&lock);
	uint64_t first = seq > LINES ? seq - LINES : 1;
	if (first < since) first = since;
	for (uint64_t s = first; s < seq; s++) {
		int i = s % LINES;
		if ((owner && ring[i].owner != owner) || !strcmp(last, ring[i].text)) continue;
		last = ring[i].text;
		int len = strlen(last);
		if (n + len + 2 > size) break;
		memcpy(out + n, last, len);
		n += len;
		out[n++] = '\n';
		out[n] = 0;
	}
	pthread_mutex_unlock(&lock);
	return n;
}
