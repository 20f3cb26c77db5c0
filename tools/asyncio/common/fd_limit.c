/* SPDX-License-Identifier: MIT */
/* fd_limit.c - raise and read the limit on open descriptors. */
#include "fd_limit.h"

#include <limits.h>
#include <sys/resource.h>

void raise_fd_limit(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) < 0)
        return;
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
}

long fd_limit(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) < 0 || files.rlim_cur > LONG_MAX)
        return LONG_MAX;
    return (long)files.rlim_cur;
}
