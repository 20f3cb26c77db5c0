/* SPDX-License-Identifier: MIT */
#include "fd_limit.h"

#include <sys/resource.h>

void raise_limits(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) < 0)
        return;
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
}
