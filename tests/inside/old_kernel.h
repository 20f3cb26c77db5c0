/* SPDX-License-Identifier: MIT */
/* old_kernel.h - madvise() of a kernel that does not know stack guards, for
 * `async__sys.madvise`. */
#ifndef INSIDE_OLD_KERNEL_H
#define INSIDE_OLD_KERNEL_H

#include <errno.h>
#include <sys/mman.h>

#include "base/sys.h"

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

static int old_madvise(void *p, size_t size, int advice)
{
    if (advice == MADV_GUARD_INSTALL) {
        errno = EINVAL;
        return -1;
    }
    return async__sys_kernel.madvise(p, size, advice);
}

#endif
