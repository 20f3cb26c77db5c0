/* SPDX-License-Identifier: MIT */
/* Queues whose storage is not a part of the variable: one that grows without a bound, one whose
 * capacity is known only when the program runs, and one in an array that the program has already.
 * Python: asyncio.Queue(), asyncio.Queue(n), asyncio.PriorityQueue() */
#include <asyncio.h>
#include <stdio.h>

typedef async_dynamic_queue_of(int) int_queue;

static int ascending(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

/* Put 1 to n in a mixed order, as far as there is room; take all, and print them. This never waits,
 * so it is an ordinary function. */
static void fill_and_print(const char *name, int_queue *q, int n)
{
    int item, put = 0;
    while (put < n && async_queue_put_nowait(q, 1 + put * 7 % n) == 0)
        put++;
    printf("%s, %d of %d put:", name, put, n);
    while (async_queue_get_nowait(q, &item) == 0)
        printf(" %d", item);
    printf("\n");
}

ASYNC_DEF(amain, (size_t)capacity)
{
    int array[4];
    int_queue growing = ASYNC_DYNAMIC_QUEUE(growing, 0);
    int_queue bounded = ASYNC_DYNAMIC_QUEUE(bounded, capacity);
    int_queue latest = ASYNC_DYNAMIC_LIFO_QUEUE(latest, capacity);
    int_queue smallest = ASYNC_DYNAMIC_PRIORITY_QUEUE(smallest, 0, ascending);
    int_queue in_array = ASYNC_QUEUE_IN(in_array, array, 4);
    fill_and_print("growing", &growing, 10);
    fill_and_print("bounded", &bounded, 10);
    fill_and_print("latest first", &latest, 10);
    fill_and_print("smallest first", &smallest, 10);
    fill_and_print("in an array", &in_array, 10);
    async_queue_free(&growing);
    async_queue_free(&bounded);
    async_queue_free(&latest);
    async_queue_free(&smallest);
    return 0;
}

int main(int argc, char **argv)
{
    (void)argv;
    return async_main(amain(5 + (size_t)argc));
}
