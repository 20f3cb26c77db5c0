/* SPDX-License-Identifier: MIT */
/* A7: calls that block, on threads: they overlap, and the loop stays free. Arguments and results cross over, and so does an
 * error with its sentence.
 * Python: await asyncio.gather(asyncio.to_thread(read_slowly, 1), asyncio.to_thread(read_slowly, 2), tick()) */
#include <asyncio.h>
#include <stdio.h>
#include <unistd.h>

ASYNC_THREAD(read_slowly, (int)id, (char *)text)
{
    usleep(200 * 1000); /* here it would stop the loop */
    if (id > 2)
        return async_fail(-ENOENT, "there is no number %d", id);
    return sprintf(text, "number %d", id);
}

ASYNC_DEF(tick, (int *)ticks)
{
    for (;; ++*ticks)
        ASYNC_TRY(await_sleep(0.02));
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
    return 0;
}

int main(void)
{
    return async_main(amain());
}
