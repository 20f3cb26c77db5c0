/* SPDX-License-Identifier: MIT */
/* Six tasks, of which never more than two are inside.
 * Python: sem = asyncio.Semaphore(2); async with sem: ... */
#include <asyncio.h>
#include <stdio.h>

struct room {
    async_semaphore door;
    int inside, most;
};

ASYNC_DEF(visitor, (struct room *)room, (int)id)
{
    int r;
    await_with (r, &room->door) {
        room->inside++; /* needs no lock: no other task runs between two awaits */
        if (room->most < room->inside)
            room->most = room->inside;
        printf("%d enters, %d inside\n", id, room->inside);
        r = await_sleep(0.1);
        room->inside--;
    }
    return r;
}

ASYNC_DEF(amain)
{
    int r;
    /* Tasks may point to room, since they end before this function returns. */
    struct room room = { .door = ASYNC_SEMAPHORE(2) };
    double start = async_time();
    await_group (r, g)
        for (int id = 1; id <= 6; id++)
            async_spawn(g, visitor(&room, id));
    printf("never more than %d inside; six visits of 0.1 took %.1f s\n", room.most,
           async_time() - start);
    return r;
}

int main(void)
{
    return async_main(amain());
}
