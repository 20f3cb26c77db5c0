/* SPDX-License-Identifier: MIT */
/* resolve.h - find the addresses of a host. */
#ifndef NET_RESOLVE_H
#define NET_RESOLVE_H

#include "io/owned_fd.h"
#include "net/address.h"

/* Find the addresses of a host, at least one. The checkpoint of t has been passed. Suspends if the
 * host must be looked up. Returns 0, and *ret belongs to the caller; -EHOSTUNREACH, -EAGAIN or
 * -EINVAL, with a message; -ENOMEM; or -ECANCELED. */
int async__resolve(async_task *t, const char *host, const char *port, bool passive,
                   struct addresses **ret);

#endif
