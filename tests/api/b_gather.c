/* SPDX-License-Identifier: MIT */
/* b: three fetches at once; results in the order of the calls. */
#include "fetch.h"

ASYNC_DEF(amain)
{
    int len[3];
    ASYNC_TRY(await_gather(len, fetch("/three"), fetch("/a"), fetch("/bc")));
    printf("%d %d %d\n", len[0], len[1], len[2]);
    return 0;
}

int main(void)
{
    return async_main(amain());
}
