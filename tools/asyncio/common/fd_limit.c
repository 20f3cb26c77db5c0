/* SPDX-License-Identifier: MIT */
/* fd_limit.c - raise the limit on open descriptors. */
#include "fd_limit.h"

#include <sys/resource.h>

void raise_fd_limit(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) < 0)
        return;
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
}
