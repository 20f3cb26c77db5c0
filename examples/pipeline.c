/* SPDX-License-Identifier: MIT */
/* Fetch ten users at once, and then three at a time, and measure both.
 * Python: async with Timer(): users = await asyncio.gather(*(fetch_user(i) for i in range(10))) */
#include <asyncio.h>
#include <stdio.h>

enum { USERS = 10 };

struct user {
    int id;
    char name[16];
};

ASYNC_DEF(fetch_user, (int)id, (struct user *)ret) /* results larger than an int go through ret */
{
    ASYNC_TRY(await_sleep(0.1)); /* stands for the server */
    *ret = (struct user){ .id = id };
    snprintf(ret->name, sizeof ret->name, "user%d", id);
    return 0;
}

ASYNC_DEF(fetch_politely, (async_semaphore *)limit, (int)id, (struct user *)ret)
{
    int r;
    await_with (r, limit)
        r = await_fetch_user(id, ret);
    return r;
}

/* The context manager of timer.c. */
ASYNC_DEF(timer_enter, (double *)start)
{
    *start = async_time();
    return 0;
}

ASYNC_DEF(timer_exit, (double *)start)
{
    printf("%.1f s\n", async_time() - *start);
    return 0;
}

static async_context_manager timer(double *start)
{
    return (async_context_manager){ .enter = timer_enter(start), .leave = timer_exit(start) };
}

static void show(const char *how, const struct user *users)
{
    printf("%s: %s to %s in ", how, users[0].name, users[USERS - 1].name);
}

ASYNC_DEF(amain)
{
    int r;
    double start;
    struct user users[USERS];
    async_co fetches[USERS];
    async_semaphore limit = ASYNC_SEMAPHORE(3);

    await_with (r, timer(&start)) {
        for (int i = 0; i < USERS; i++)
            fetches[i] = fetch_user(i + 1, &users[i]);
        ASYNC_TRY(await_gather_n(fetches, USERS, NULL));
        show("all at once", users); /* takes one delay */
    }
    ASYNC_TRY(r);

    await_with (r, timer(&start)) {
        for (int i = 0; i < USERS; i++)
            fetches[i] = fetch_politely(&limit, i + 1, &users[i]);
        ASYNC_TRY(await_gather_n(fetches, USERS, NULL));
        show("three at a time", users); /* takes 10 / 3 delays, rounded up to 4 */
    }
    return r;
}

int main(void)
{
    return async_main(amain());
}
