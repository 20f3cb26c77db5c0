/* SPDX-License-Identifier: MIT */
/* resolve.h - from names to addresses. */
#ifndef NET_RESOLVE_H
#define NET_RESOLVE_H

#include "io/owned_fd.h"
#include "net/address.h"

/* The addresses of host, at least one; the task's checkpoint has been passed. 0, and *ret is to be freed. -EHOSTUNREACH,
 * -EAGAIN, -EINVAL, with a text; -ENOMEM; -ECANCELED. Suspends when it has to ask. */
int async__resolve(async_task *t, const char *host, const char *port, bool passive,
                   struct addresses **ret);

#endif
