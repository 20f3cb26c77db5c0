/* SPDX-License-Identifier: MIT */
/* Several tasks wait for an event. When it is set, all of them go on.
 * Python: event = asyncio.Event(); await event.wait(); event.set() */
#include <asyncio.h>
#include <stdio.h>

ASYNC_DEF(waiter, (async_event *)e, (const char *)name)
{
    double start = async_time();
    printf("%s waits\n", name);
    ASYNC_TRY(await_event_wait(e));
    printf("%s goes on after %.1f s\n", name, async_time() - start);
    return 0;
}

ASYNC_DEF(setter, (async_event *)e)
{
    ASYNC_TRY(await_sleep(0.2));
    puts("set");
    async_event_set(e);
    async_event_clear(e); /* the tasks that waited until now are woken nevertheless */
    return 0;
}

ASYNC_DEF(amain)
{
    async_event e = { 0 };
    ASYNC_TRY(await_gather(NULL, waiter(&e, "alice"), waiter(&e, "bob"), setter(&e)));
    printf("is it set? %s\n", async_event_is_set(&e) ? "yes" : "no");
    async_event_set(&e);
    return await_waiter(&e, "carol"); /* returns at once, because the event is set */
}

int main(void)
{
    return async_main(amain());
}
