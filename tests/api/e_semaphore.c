/* SPDX-License-Identifier: MIT */
/* e: ten fetches, three at a time. */
#include "fetch.h"

ASYNC_DEF(polite_fetch, (async_semaphore *)limit, (const char *)url)
{
    int r;
    await_with (r, limit)
        r = await_fetch(url);
    return r;
}

ASYNC_DEF(amain)
{
    async_semaphore limit = ASYNC_SEMAPHORE(3);
    async_co fetches[10];
    int len[10];
    for (int i = 0; i < 10; i++)
        fetches[i] = polite_fetch(&limit, &"0123456789"[i]);
    ASYNC_TRY(await_gather_n(fetches, 10, len));
    for (int i = 0; i < 10; i++)
        printf("%d%c", len[i], i < 9 ? ' ' : '\n');
    return 0;
}

int main(void)
{
    return async_main(amain());
}
