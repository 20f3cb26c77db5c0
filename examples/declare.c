/* SPDX-License-Identifier: MIT */
/* Two coroutines of one file that call each other: the second one is declared before it is defined.
 * Python: needs no declaration */
#include <asyncio.h>
#include <stdio.h>

ASYNC_DECLARE(odd, (int)n)

ASYNC_DEF(even, (int)n)
{
    ASYNC_TRY(await_sleep(0.01));
    return n == 0 ? 1 : await_odd(n - 1);
}

ASYNC_DEF(odd, (int)n)
{
    ASYNC_TRY(await_sleep(0.01));
    return n == 0 ? 0 : await_even(n - 1);
}

ASYNC_DEF(amain)
{
    int is_even[2];
    ASYNC_TRY(await_gather(is_even, even(4), even(7)));
    printf("4 is %s, 7 is %s\n", is_even[0] ? "even" : "odd", is_even[1] ? "even" : "odd");
    return 0;
}

int main(void)
{
    return async_main(amain());
}
