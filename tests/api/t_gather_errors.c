/* SPDX-License-Identifier: MIT */
/* t: gather that keeps every outcome: errors are results. */
#include "fetch.h"

ASYNC_DEF(amain)
{
    int len[3];
    int failed = ASYNC_TRY(await_gather_all(len, fetch("/good"), fetch("!bad"), fetch("/fine")));
    printf("%d failed\n", failed);
    for (int i = 0; i < 3; i++)
        if (len[i] < 0)
            printf("%d: %s\n", i, strerror(-len[i]));
        else
            printf("%d: %d bytes\n", i, len[i]);
    return 0;
}

int main(void)
{
    return async_main(amain());
}
