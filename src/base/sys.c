/* SPDX-License-Identifier: MIT */
#include "base/sys.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int sys_epoll_create(void)
{
    return epoll_create1(EPOLL_CLOEXEC);
}

/* epoll_pwait2() takes nanoseconds; kernels before 5.11, and some sandboxes, do not have it. */
static int sys_epoll_wait(int ep, struct epoll_event *evs, int n, int64_t timeout)
{
    static atomic_bool lacking;
    if (timeout > 0 && !atomic_load_explicit(&lacking, memory_order_relaxed)) {
        struct timespec ts = { .tv_sec = timeout / 1000000000, .tv_nsec = timeout % 1000000000 };
        int r = (int)syscall(SYS_epoll_pwait2, ep, evs, n, &ts, NULL, 0);
        if (r >= 0 || (errno != ENOSYS && errno != EPERM))
            return r;
        atomic_store(&lacking, true);
    }
    int64_t ms = timeout <= 0 ? timeout : (timeout + 999999) / 1000000; /* up: never early */
    return epoll_wait(ep, evs, n, ms < 0 ? -1 : ms > INT32_MAX ? INT32_MAX : (int)ms);
}

static int sys_eventfd(void)
{
    return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

static void *sys_map(size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

static void *sys_remap(void *p, size_t old, size_t size)
{
    p = mremap(p, old, size, MREMAP_MAYMOVE);
    return p == MAP_FAILED ? NULL : p;
}

static int64_t sys_clock(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

const struct async_sys async__sys_kernel = {
    .epoll_create = sys_epoll_create,
    .epoll_ctl = epoll_ctl,
    .epoll_wait = sys_epoll_wait,
    .eventfd = sys_eventfd,
    .read = read,
    .write = write,
    .close = close,
    .poll = poll,
    .map = sys_map,
    .remap = sys_remap,
    .unmap = munmap,
    .madvise = madvise,
    .mprotect = mprotect,
    .clock = sys_clock,
};

struct async_sys async__sys = {
    .epoll_create = sys_epoll_create,
    .epoll_ctl = epoll_ctl,
    .epoll_wait = sys_epoll_wait,
    .eventfd = sys_eventfd,
    .read = read,
    .write = write,
    .close = close,
    .poll = poll,
    .map = sys_map,
    .remap = sys_remap,
    .unmap = munmap,
    .madvise = madvise,
    .mprotect = mprotect,
    .clock = sys_clock,
};
