/* SPDX-License-Identifier: MIT */
/* A rate limit: at most so many requests begin in a second, however many tasks make them. A
 * limiter or a semaphore bounds how many are under way at a time, which is another question. Each
 * caller takes the next free point in time and sleeps until then. Some may begin at once, the
 * burst, if there were none for a while.
 * Python: aiolimiter */
#include <asyncio.h>
#include <stdio.h>

struct rate {
    double interval; /* seconds from one to the next */
    int burst;       /* how many may begin at once */
    double next;     /* when the next one would begin if there were no burst */
};

/* A caller that is cancelled has used up its point in time. */
ASYNC_DEF(rate_acquire, (struct rate *)rate)
{
    double now = async_time(), earliest = now - (rate->burst - 1) * rate->interval;
    double at = rate->next > earliest ? rate->next : earliest;
    rate->next = at + rate->interval;
    return at > now ? await_sleep(at - now) : 0;
}

ASYNC_DEF(request, (int)id, (struct rate *)rate, (double)begin)
{
    ASYNC_TRY(await_rate_acquire(rate));
    printf("request %d after %.1f s\n", id, async_time() - begin);
    return 0;
}

ASYNC_DEF(amain)
{
    int r;
    double begin = async_time();
    struct rate rate = { .interval = 0.1, .burst = 2, .next = begin - 1 }; /* unused for long */
    await_group (r, g)
        for (int id = 1; id <= 6; id++)
            async_spawn(g, request(id, &rate, begin));
    return r;
}

int main(void)
{
    return async_main(amain());
}
