#include "av.h"
#include <pthread.h>
#include <sys/mman.h>

// A decoder is opened for every part of every cell, and libavcodec has each take
// the memory of its pictures anew. Memory that is mapped, faulted in page by page
// and given back again and again costs more than what is written into it, so what
// one decoder gives back is the next one's here, whatever the size of its pictures:
// blocks are cut out of one range of addresses, always as low as they fit. The range
// is huge pages, where the system has them, whose first touch costs a thirtieth.
//
// No page is kept but for decoders to come: never more than KEEP, and none once
// nobody holds (choir_blocks_hold).

#define PAGE (2 << 20) // bytes; the huge page of x86-64, and of arm64 with its usual 4 KB
#define PAGES 1024 // in the range; beyond it libav's allocator gives
#define KEEP 3     // pages; with 16 a song of sixteen parts peaked up to 30 MB higher
#define ALIGN 64   // of a block, bytes: a cache line, the longest vector

typedef struct block {
	struct block *before, *after; // those in use, by address
	size_t start, end;            // in the range
} block;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint8_t *range; // NULL before the first block, and where there is none to be had
static int tried;
static block *lowest;
static struct {
	int users;   // blocks that lie on it, all or in part
	int touched; // is in memory
} pages[PAGES];
static int kept; // pages that are touched and have no users
static int holders;
static choir_blocks count;

// reserve takes addresses, no memory.
static void reserve(void)
{
	tried = 1;
	size_t size = (size_t)PAGES * PAGE;
	void *p = mmap(NULL, size + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED) return;
	range = (uint8_t *)(((uintptr_t)p + PAGE - 1) & ~(uintptr_t)(PAGE - 1));
	madvise(range, size, MADV_HUGEPAGE); // an error means small pages
}

// place puts b, of size bytes, into the lowest gap; 0 when none is wide enough.
static int place(block *b, size_t size)
{
	block *before = NULL, *after = lowest;
	size_t at = 0;
	while (after && after->start - at < size) {
		at = FFALIGN(after->end, ALIGN);
		before = after;
		after = after->after;
	}
	if (!after && (size_t)PAGES * PAGE - at < size) return 0;
	b->start = at;
	b->end = at + size;
	b->before = before;
	b->after = after;
	*(before ? &before->after : &lowest) = b;
	if (after) after->before = b;
	return 1;
}

// use counts b on the pages it lies on.
static void use(const block *b)
{
	for (size_t i = b->start / PAGE; i <= (b->end - 1) / PAGE; i++) {
		if (pages[i].users++) continue;
		if (pages[i].touched) kept--;
		else count.mapped++;
		pages[i].touched = 1;
	}
	count.used += b->end - b->start;
	count.blocks++;
}

static void disuse(const block *b)
{
	for (size_t i = b->start / PAGE; i <= (b->end - 1) / PAGE; i++) {
		if (--pages[i].users) continue;
		kept++;
	}
	count.used -= b->end - b->start;
	count.blocks--;
}

// trim gives the system what is not to be kept, the highest first.
static void trim(void)
{
	int keep = holders ? KEEP : 0;
	for (int i = PAGES - 1; kept > keep; i--) {
		if (pages[i].users || !pages[i].touched) continue;
		madvise(range + (size_t)i * PAGE, PAGE, MADV_DONTNEED);
		pages[i].touched = 0;
		kept--;
	}
}

static void give_back(void *opaque, uint8_t *data)
{
	block *b = opaque;
	pthread_mutex_lock(&lock);
	*(b->before ? &b->before->after : &lowest) = b->after;
	if (b->after) b->after->before = b->before;
	disuse(b);
	trim();
	pthread_mutex_unlock(&lock);
	av_free(b);
}

AVBufferRef *choir_block(void *opaque, size_t size)
{
	block *b = av_mallocz(sizeof *b);
	if (!b) return NULL;
	pthread_mutex_lock(&lock);
	if (!tried) reserve();
	int placed = range && place(b, size);
	if (placed) use(b);
	pthread_mutex_unlock(&lock);
	if (!placed) {
		av_free(b);
		return av_buffer_allocz(size);
	}
	// A decoder may show samples that a damaged stream never gave: they are nobody
	// else's, and the same every time.
	memset(range + b->start, 0, size);
	AVBufferRef *ref = av_buffer_create(range + b->start, size, give_back, b, 0);
	if (!ref) give_back(b, NULL);
	return ref;
}

void choir_blocks_hold(void)
{
	pthread_mutex_lock(&lock);
	holders++;
	pthread_mutex_unlock(&lock);
}

void choir_blocks_let_go(void)
{
	pthread_mutex_lock(&lock);
	holders--;
	trim();
	pthread_mutex_unlock(&lock);
}

choir_blocks choir_blocks_now(void)
{
	pthread_mutex_lock(&lock);
	choir_blocks c = count;
	c.kept = (int64_t)kept * PAGE;
	c.mapped *= PAGE;
	pthread_mutex_unlock(&lock);
	return c;
}
