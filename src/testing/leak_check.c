/* SPDX-License-Identifier: MIT */
/* ledger.c - what a run has taken from the outside world and not given back: memory, mappings,
 * descriptors. Tasks, stacks, timers and streams are in the loop's own ledger. */
#include "testing/trial.h"

#include <poll.h>
#include <sched.h>
#include <stdalign.h>
#include <stdatomic.h>

#include "base/alloc.h"

enum { DESCRIPTORS = 256, PATIENCE = 2000 * 1000 * 1000 /* ns: for threads that look up a name */ };

/* What stands before each block; lookups free theirs on other threads. */
struct head {
    alignas(max_align_t) size_t size;
};

static struct {
    async_allocator below;
    struct async_sys sys;
    atomic_long blocks, bytes;
    long mapped;
    bool was_open[DESCRIPTORS];
} ledger;

static void *counting_malloc(void *ctx, size_t size)
{
    (void)ctx;
    if (async__fault_memory(size))
        return NULL;
    struct head *h = ledger.below.malloc(ledger.below.ctx, sizeof *h + size);
    if (!h)
        return NULL;
    h->size = size;
    ledger.blocks++;
    ledger.bytes += (long)size;
    return memset(h + 1, 0xa5, size); /* so that no code relies on zeros */
}

static void *counting_realloc(void *ctx, void *p, size_t size)
{
    if (!p)
        return counting_malloc(ctx, size);
    if (async__fault_memory(size))
        return NULL;
    struct head *h = (struct head *)p - 1;
    size_t before = h->size;
    h = ledger.below.realloc(ledger.below.ctx, h, sizeof *h + size);
    if (!h)
        return NULL;
    h->size = size;
    ledger.bytes += (long)size - (long)before;
    return h + 1;
}

static void counting_free(void *ctx, void *p)
{
    (void)ctx;
    struct head *h = (struct head *)p - 1;
    ledger.blocks--;
    ledger.bytes -= (long)h->size;
    memset(p, 0x5a, h->size); /* so that a use after the end is noticed */
    ledger.below.free(ledger.below.ctx, h);
}

static void *counting_map(size_t size)
{
    void *p = async__fault_memory(size) ? NULL : ledger.sys.map(size);
    ledger.mapped += p ? (long)size : 0;
    return p;
}

static void *counting_map_shared(int fd, size_t size)
{
    void *p = async__fault_memory(size) ? NULL : ledger.sys.map_shared(fd, size);
    ledger.mapped += p ? (long)size : 0;
    return p;
}

static void *counting_remap(void *p, size_t old, size_t size)
{
    p = async__fault_memory(size) ? NULL : ledger.sys.remap(p, old, size);
    ledger.mapped += p ? (long)size - (long)old : 0;
    return p;
}

static int counting_unmap(void *p, size_t size)
{
    ledger.mapped -= (long)size;
    return ledger.sys.unmap(p, size);
}

static void look_at_descriptors(bool *open)
{
    struct pollfd p[DESCRIPTORS];
    for (int i = 0; i < DESCRIPTORS; i++)
        p[i] = (struct pollfd){ .fd = i };
    int n = DESCRIPTORS;
    while (poll(p, (nfds_t)n, 0) < 0 && n > 16) /* the limit of this process may be below that */
        n /= 2;
    for (int i = 0; i < DESCRIPTORS; i++)
        open[i] = i < n && !(p[i].revents & POLLNVAL);
}

void async__leak_check_open(void)
{
    ledger.blocks = ledger.bytes = ledger.mapped = 0;
    look_at_descriptors(ledger.was_open);
    async__faults_begin();
    ledger.sys = async__sys;
    async__sys.map = counting_map;
    async__sys.map_shared = counting_map_shared;
    async__sys.remap = counting_remap;
    async__sys.unmap = counting_unmap;
    ledger.below = async__allocator_swap(
            (async_allocator){ counting_malloc, counting_realloc, counting_free, NULL });
}

void async__leak_check_close(struct trial *t)
{
    int64_t until = async__sys.clock() + PATIENCE;
    while (async__alloc_held() > 0 && async__sys.clock() < until)
        sched_yield();
    async__allocator_swap(ledger.below);
    async__sys.map = ledger.sys.map;
    async__sys.map_shared = ledger.sys.map_shared;
    async__sys.remap = ledger.sys.remap;
    async__sys.unmap = ledger.sys.unmap;
    async__faults_end();
    if (ledger.blocks)
        async__trial_wrong(t, "%ld blocks of memory with %ld bytes are left", (long)ledger.blocks,
                           (long)ledger.bytes);
    if (ledger.mapped)
        async__trial_wrong(t, "%ld bytes are still mapped", ledger.mapped);
    bool open[DESCRIPTORS];
    look_at_descriptors(open);
    for (int i = 0; i < DESCRIPTORS; i++)
        if (open[i] != ledger.was_open[i])
            async__trial_wrong(t, "descriptor %d is %s", i,
                               open[i] ? "still open" : "closed, and was not the scenario's");
}
