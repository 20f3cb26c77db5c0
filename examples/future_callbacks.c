/* SPDX-License-Identifier: MIT */
/* Functions that are called when a future has a result. They run outside of tasks and must not
 * await. Python: future.add_done_callback(), future.remove_done_callback() */
#include <asyncio.h>
#include <stdio.h>

static void print_result(async_future *f, void *name)
{
    int result = async_future_result(f);
    if (result < 0)
        printf("%s: %s\n", (char *)name, strerror(-result));
    else
        printf("%s: %d\n", (char *)name, result);
}

ASYNC_DEF(amain)
{
    async_future answer = { 0 }, failure = { 0 };
    async_future_callback first = { 0 }, second = { 0 }, third = { 0 }, late = { 0 };
    ASYNC_TRY(async_future_add_done_callback(&answer, &first, print_result, "first"));
    ASYNC_TRY(async_future_add_done_callback(&answer, &second, print_result, "second"));
    ASYNC_TRY(async_future_add_done_callback(&failure, &third, print_result, "third"));
    async_future_remove_done_callback(&answer, &second);
    async_future_set_result(&answer, 42);
    async_future_set_exception(&failure, -EIO);
    puts("the results are set"); /* the callbacks run when this task suspends */
    ASYNC_TRY(await_sleep(0));
    ASYNC_TRY(async_future_add_done_callback(&answer, &late, print_result, "late"));
    return await_sleep(0);
}

int main(void)
{
    return async_main(amain());
}
