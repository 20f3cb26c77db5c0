/* SPDX-License-Identifier: MIT */
#include <asyncio/base.h>

const char *async_version(void)
{
    return ASYNC_VERSION;
}
