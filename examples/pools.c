/* SPDX-License-Identifier: MIT */
/* How busy the pools of threads and processes are: one pool for calls that block, one for files,
 * one for names of hosts, and a process pool of the program's own.
 * Python: ThreadPoolExecutor and ProcessPoolExecutor, without statistics */
#include <asyncio.h>
#include <stdio.h>
#include <unistd.h>

ASYNC_THREAD(block, (int)milliseconds)
{
    usleep((unsigned)milliseconds * 1000);
    return 0;
}

/* Runs in another process. */
static int square(const void *in, void *out)
{
    int n = *(const int *)in;
    *(int *)out = n * n;
    return 0;
}

static int print_stats(const char *name, enum async_pool pool)
{
    struct async_pool_stats stats;
    int r = async_pool_stats(pool, &stats);
    if (r == 0)
        printf("%s: %llu calls begun, %u run now\n", name, (unsigned long long)stats.begun,
               stats.running);
    return r;
}

ASYNC_DEF(call_processes)
{
    int n = 7, result;
    ASYNC_TRY(await_to_process(square, &n, sizeof n, &result, sizeof result));
    printf("7 * 7 is %d\n", result);
    ASYNC_TRY(await_to_process_named("square", square, &result, sizeof n, &n, sizeof n));
    printf("49 * 49 is %d\n", n);

    struct async_process_pool_stats stats;
    async_process_pool_auto pool = async_process_pool_open(.max_workers = 2, .timeout = 10);
    if (!pool)
        return -errno;
    ASYNC_TRY(await_process_pool_call(pool, square, &n, sizeof n, &result, sizeof result));
    async_process_pool_stats(pool, &stats);
    printf("own pool: %llu call done, %u worker of at most %u\n", (unsigned long long)stats.done,
           stats.workers, stats.max_workers);
    return await_process_pool_close(&pool);
}

ASYNC_DEF(amain)
{
    await_task_auto one = async_create_task(block(200)), two = async_create_task(block(200));
    ASYNC_TRY(await_sleep(0.1));
    ASYNC_TRY(print_stats("threads", ASYNC_POOL_THREADS));
    ASYNC_TRY(await_task(one));
    ASYNC_TRY(await_task(two));
    struct stat st;
    ASYNC_TRY(await_stat("/", &st));
    ASYNC_TRY(print_stats("files", ASYNC_POOL_FILES));
    ASYNC_TRY(print_stats("names", ASYNC_POOL_NAMES));
    return await_call_processes();
}

int main(void)
{
    return async_main(amain());
}
