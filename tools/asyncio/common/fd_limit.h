/* SPDX-License-Identifier: MIT */
/* fd_limit.h - what the system lets this process have. */
#ifndef ASYNCIO_LIMITS_H
#define ASYNCIO_LIMITS_H

/* As many open descriptors as may be. */
void raise_limits(void);

#endif
