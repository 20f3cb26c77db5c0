/* SPDX-License-Identifier: MIT */
/* fetch.h - a stand-in for fetching a page, which takes some time. */
#include <asyncio.h>
#include <stdio.h>

/* Returns the length of the page; -EIO if the URL starts with '!'. */
ASYNC_DEF(fetch, (const char *)url)
{
    ASYNC_TRY(await_sleep(0.01 * strlen(url)));
    if (url[0] == '!')
        return async_fail(-EIO, "%s is broken", url);
    return (int)strlen(url);
}
