/* SPDX-License-Identifier: MIT */
/* Try several servers, one after the other. The next one is tried when the last one has failed, or
 * has not answered for 0.2 s. The first to answer wins, and the others are cancelled.
 * Python: asyncio.staggered.staggered_race() */
#include <asyncio.h>
#include <stdio.h>

ASYNC_DEF(try_server, (const char *)name, (double)delay, (int)answer)
{
    printf("trying %s\n", name);
    int r = await_sleep(delay);
    if (r == -ECANCELED)
        printf("%s is cancelled\n", name);
    return r < 0 ? r : answer;
}

ASYNC_DEF(amain)
{
    int answer;
    int which = ASYNC_TRY(await_staggered_race(
            &answer, 0.2, try_server("slow", 5, 1), try_server("broken", 0.05, -ECONNREFUSED),
            try_server("good", 0.1, 42), try_server("spare", 0, 2)));
    printf("server %d has answered %d\n", which, answer);

    int r = await_staggered_race(&answer, 0.2, try_server("broken", 0.1, -ECONNREFUSED));
    printf("no server: %s\n", strerror(-r));
    return 0;
}

int main(void)
{
    return async_main(amain());
}
