/* SPDX-License-Identifier: MIT */
/* fd_limit.h - the limit on open descriptors. */
#ifndef COMMON_FD_LIMIT_H
#define COMMON_FD_LIMIT_H

/* Raise the limit on open descriptors to its maximum. Many systems start programs with 1024, which
 * is too low for a thousand connections. A failure is ignored, as later errors name the limit. */
void raise_fd_limit(void);

/* Return how many descriptors may be open, or LONG_MAX if there is no limit. */
long fd_limit(void);

#endif
