/* SPDX-License-Identifier: MIT */
/* leak_check.c - check that a run has released all memory, mappings and descriptors that it has
 * acquired. Tasks, stacks, timers and streams are checked by the loop itself when it closes. */
#include "testing/trial.h"

#include <poll.h>
#include <sched.h>
#include <stdalign.h>
#include <stdatomic.h>

#include "base/alloc.h"

enum {
    DESCRIPTORS = 256,             /* check descriptors below this number */
    PATIENCE = 2000 * 1000 * 1000, /* ns to wait for threads that still look up a name */
};

/* Header in front of each block, which holds its size, so that freed bytes can be counted. */
struct block_header {
    alignas(max_align_t) size_t size;
};

static struct {
    async_allocator below;     /* the allocator that counting_malloc() calls */
    struct async_sys sys;      /* the system calls that counting_map() and others make */
    atomic_long blocks, bytes; /* atomic, because lookups free their blocks on other threads */
    long mapped;               /* bytes */
    bool was_open[DESCRIPTORS];
} counters;

static void *counting_malloc(void *ctx, size_t size)
{
    (void)ctx;
    if (async__fault_memory(size))
        return NULL;
    struct block_header *h = counters.below.malloc(counters.below.ctx, sizeof *h + size);
    if (!h)
        return NULL;
    h->size = size;
    counters.blocks++;
    counters.bytes += (long)size;
    return memset(h + 1, 0xa5, size); /* so that no code relies on zeros */
}

/* Count a reallocation as one allocation that may fail. */
static void *counting_realloc(void *ctx, void *p, size_t size)
{
    if (!p)
        return counting_malloc(ctx, size);
    if (async__fault_memory(size))
        return NULL;
    struct block_header *h = (struct block_header *)p - 1;
    size_t before = h->size;
    h = counters.below.realloc(counters.below.ctx, h, sizeof *h + size);
    if (!h)
        return NULL;
    h->size = size;
    counters.bytes += (long)size - (long)before;
    return h + 1;
}

static void counting_free(void *ctx, void *p)
{
    (void)ctx;
    struct block_header *h = (struct block_header *)p - 1;
    counters.blocks--;
    counters.bytes -= (long)h->size;
    memset(p, 0x5a, h->size); /* so that a use after free is noticed */
    counters.below.free(counters.below.ctx, h);
}

static void *counting_map(size_t size)
{
    void *p = async__fault_memory(size) ? NULL : counters.sys.map(size);
    counters.mapped += p ? (long)size : 0;
    return p;
}

static void *counting_map_shared(int fd, size_t size)
{
    void *p = async__fault_memory(size) ? NULL : counters.sys.map_shared(fd, size);
    counters.mapped += p ? (long)size : 0;
    return p;
}

static void *counting_remap(void *p, size_t old, size_t size)
{
    p = async__fault_memory(size) ? NULL : counters.sys.remap(p, old, size);
    counters.mapped += p ? (long)size - (long)old : 0;
    return p;
}

static int counting_unmap(void *p, size_t size)
{
    counters.mapped -= (long)size;
    return counters.sys.unmap(p, size);
}

/* Store for each descriptor below DESCRIPTORS whether it is open. poll() accepts only as many
 * entries as this process may open descriptors, so retry with fewer. */
static void list_descriptors(bool *open)
{
    struct pollfd p[DESCRIPTORS];
    for (int i = 0; i < DESCRIPTORS; i++)
        p[i] = (struct pollfd){ .fd = i };
    int n = DESCRIPTORS;
    while (poll(p, (nfds_t)n, 0) < 0 && n > 16)
        n /= 2;
    for (int i = 0; i < DESCRIPTORS; i++)
        open[i] = i < n && !(p[i].revents & POLLNVAL);
}

void async__leak_check_open(void)
{
    counters.blocks = counters.bytes = counters.mapped = 0;
    list_descriptors(counters.was_open);
    async__faults_begin();
    counters.sys = async__sys;
    async__sys.map = counting_map;
    async__sys.map_shared = counting_map_shared;
    async__sys.remap = counting_remap;
    async__sys.unmap = counting_unmap;
    counters.below = async__allocator_swap(
            (async_allocator){ counting_malloc, counting_realloc, counting_free, NULL });
}

/* A pool outlives its loop while one of its threads still runs. */
void async__leak_check_await_threads(void)
{
    int64_t until = async__sys.clock() + PATIENCE;
    while (async__alloc_held() > 0 && async__sys.clock() < until)
        sched_yield();
}

void async__leak_check_close(struct trial *t)
{
    async__allocator_swap(counters.below);
    async__sys.map = counters.sys.map;
    async__sys.map_shared = counters.sys.map_shared;
    async__sys.remap = counters.sys.remap;
    async__sys.unmap = counters.sys.unmap;
    async__faults_end();
    if (counters.blocks)
        async__trial_wrong(t, "%ld blocks of memory with %ld bytes were not freed",
                           (long)counters.blocks, (long)counters.bytes);
    if (counters.mapped)
        async__trial_wrong(t, "%ld bytes are still mapped", counters.mapped);
    bool open[DESCRIPTORS];
    list_descriptors(open);
    for (int i = 0; i < DESCRIPTORS; i++)
        if (open[i] != counters.was_open[i])
            async__trial_wrong(t, "descriptor %d is %s", i,
                               open[i] ? "still open"
                                       : "closed, but the scenario had not opened it");
}
