/* SPDX-License-Identifier: MIT */
#include "fake_clock.h"

#include <stdatomic.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static atomic_int_fast64_t stopped_at; /* ns; 0: the clocks run */

static int64_t read_monotonic(void)
{
    struct timespec t;
    syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

void fake_clock_stop(void)
{
    stopped_at = read_monotonic();
}

void fake_clock_advance(double seconds)
{
    stopped_at += (int64_t)(seconds * 1e9);
}

/* Exported for the libraries, and declared in <time.h>. */
__attribute__((visibility("default"))) int clock_gettime(clockid_t id, struct timespec *t)
{
    int64_t now = stopped_at;
    if (now == 0 || (id != CLOCK_MONOTONIC && id != CLOCK_MONOTONIC_COARSE &&
                     id != CLOCK_BOOTTIME && id != CLOCK_MONOTONIC_RAW))
        return (int)syscall(SYS_clock_gettime, id, t);
    t->tv_sec = (time_t)(now / 1000000000);
    t->tv_nsec = (long)(now % 1000000000);
    return 0;
}
