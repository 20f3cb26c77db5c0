/* SPDX-License-Identifier: MIT */
/* Calls that block run on threads, and then in processes. They overlap, and the loop stays free. An
 * error of such a call arrives with its message. A crash in another process is an error, too.
 * Python: await asyncio.gather(asyncio.to_thread(read_slowly, 1), asyncio.to_thread(read_slowly,
 * 2), tick()), loop.run_in_executor(ProcessPoolExecutor(), count, 1) */
#include <asyncio.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

ASYNC_THREAD(read_slowly, (int)id, (char *)text)
{
    usleep(200 * 1000); /* in a task, this would stop the loop */
    if (id > 2)
        return async_fail(-ENOENT, "there is no number %d", id);
    return sprintf(text, "number %d", id);
}

/* Runs in another process, so it receives and returns bytes, and no pointers. */
ASYNC_PROCESS(count, (const int *)id, (int *)letters)
{
    usleep(200 * 1000);
    if (*id > 3)
        raise(SIGKILL);
    if (*id > 2)
        return async_fail(-EDOM, "cannot count to %d", *id);
    *letters = 2 * *id;
    return 0;
}

ASYNC_DEF(tick, (int *)ticks)
{
    for (;; ++*ticks)
        ASYNC_TRY(await_sleep(0.02));
}

ASYNC_DEF(in_processes)
{
    int ids[] = { 1, 2, 3, 4 }, letters[2], ticks = 0;
    await_task_auto t = async_create_task(tick(&ticks));
    async_process_pool_auto pool = async_process_pool_open(.max_workers = 2);
    ASYNC_TRY(await_gather(NULL, count(&ids[0], &letters[0]), count(&ids[1], &letters[1])));
    printf("%d and %d letters; the loop was %s\n", letters[0], letters[1],
           ticks > 1 ? "free" : "blocked");
    for (int i = 2; i < 4; i++) { /* now in a pool that this program has opened */
        int r = await_process_pool_run(pool, count, &ids[i], &letters[0]);
        printf("%s\n", async_fail_text(r));
    }
    return 0;
}

ASYNC_DEF(amain)
{
    char texts[2][20];
    int sizes[2], ticks = 0;
    double start = async_time();
    await_task_auto t = async_create_task(tick(&ticks));
    ASYNC_TRY(await_gather(sizes, read_slowly(1, texts[0]), read_slowly(2, texts[1])));
    for (int i = 0; i < 2; i++)
        printf("%s, %d bytes\n", texts[i], sizes[i]);
    printf("%.1f s, as long as one\n", async_time() - start);
    printf("meanwhile the loop was %s\n", ticks > 1 ? "free" : "blocked");

    int r = await_read_slowly(3, texts[0]);
    printf("%s\n", r < 0 ? async_fail_text(r) : texts[0]);
    return await_in_processes();
}

int main(void)
{
    return async_main(amain());
}
