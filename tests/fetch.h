/* SPDX-License-Identifier: MIT */
/* fetch.h - what the small programs fetch: a page that takes a while to come. */
#include <asyncio.h>
#include <stdio.h>

/* The length of the page; -EIO for a url that starts with '!'. */
ASYNC_DEF(fetch, (const char *)url)
{
    ASYNC_TRY(await_sleep(0.01 * strlen(url)));
    if (url[0] == '!')
        return async_fail(-EIO, "%s is broken", url);
    return (int)strlen(url);
}
