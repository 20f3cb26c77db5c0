/* SPDX-License-Identifier: MIT */
/* Thread pools of your own: a pool of two threads bounds how many calls run at a time, a pool of
 * one thread serves as a lock for code that is not thread-safe, and a bound on the queue makes a
 * producer wait. Python: loop.run_in_executor(ThreadPoolExecutor(max_workers=2), resize, i) */
#include <asyncio.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

static atomic_int running, most;

ASYNC_THREAD(resize, (int)id)
{
    int now = atomic_fetch_add(&running, 1) + 1;
    for (int seen = most; now > seen && !atomic_compare_exchange_weak(&most, &seen, now);)
        ;
    usleep(20 * 1000);
    atomic_fetch_sub(&running, 1);
    return id;
}

ASYNC_DEF(resize_in, (async_thread_pool *)pool, (int)id)
{
    return await_thread_pool_call(pool, resize(id));
}

ASYNC_DEF(bound_concurrency)
{
    int sizes[6];
    async_thread_pool_auto pool = async_thread_pool_open(.threads = 2, .name = "resize");
    ASYNC_TRY(await_gather(sizes, resize_in(pool, 0), resize_in(pool, 1), resize_in(pool, 2),
                           resize_in(pool, 3), resize_in(pool, 4), resize_in(pool, 5)));
    printf("six calls on two threads: %d at a time, the last one returned %d\n", most, sizes[5]);
    return 0;
}

/* Not thread-safe: two threads would overwrite each other's entries. */
static int entries;

ASYNC_THREAD(add_entry)
{
    int before = entries;
    usleep(1000);
    return entries = before + 1;
}

ASYNC_DEF(add_entry_in, (async_thread_pool *)pool)
{
    return await_thread_pool_call(pool, add_entry());
}

ASYNC_DEF(run_one_at_a_time)
{
    int r;
    async_thread_pool_auto pool = async_thread_pool_open(.threads = 1);
    await_group (r, g)
        for (int i = 0; i < 20; i++)
            async_spawn(g, add_entry_in(pool));
    printf("twenty calls on one thread: %d entries\n", entries);
    return r;
}

ASYNC_DEF(wait_for_room)
{
    int r;
    struct async_pool_stats s;
    async_thread_pool_auto pool = async_thread_pool_open(.threads = 1, .max_queued = 2);
    await_group (r, g) {
        for (int i = 0; i < 10; i++)
            async_spawn(g, resize_in(pool, i));
        ASYNC_TRY(await_sleep(0));
        ASYNC_TRY(async_thread_pool_stats(pool, &s));
        printf("ten callers: %u in the pool, %u wait for room\n", s.running + s.queued, s.waiting);
    }
    return r;
}

ASYNC_DEF(amain)
{
    ASYNC_TRY(await_bound_concurrency());
    ASYNC_TRY(await_run_one_at_a_time());
    return await_wait_for_room();
}

int main(void)
{
    return async_main(amain());
}
