/* SPDX-License-Identifier: MIT */
/* Task-local variables: who sees what, and that a list of settings does not grow. */
#include "run.h"

ASYNC_LOCAL(int, one, 1);
ASYNC_LOCAL(long, two, 2);
ASYNC_LOCAL(char, three, 'c');

ASYNC_DEF(sees, (int)a, (long)b, (char)c)
{
    ASYNC_TRY(await_sleep(1));
    is(async_local_get(one), a);
    is(async_local_get(two), b);
    is(async_local_get(three), c);
    ok(async_local_set(two, 99));
    is(async_local_get(two), 99);
    is(async_local_get(one), a);
    is(async_local_get(three), c);
    return 0;
}

CASE(seen_as_at_the_creation)
{
    int r;
    await_group (r, g) {
        async_spawn(g, sees(1, 2, 'c'));
        ok(async_local_set(one, 10));
        async_spawn(g, sees(10, 2, 'c'));
        ok(async_local_set(two, 20));
        ok(async_local_set(three, 'd'));
        async_spawn(g, sees(10, 20, 'd'));
        ok(async_local_set(one, 11)); /* the last in the list, shared */
        async_spawn(g, sees(11, 20, 'd'));
        ok(async_local_set(two, 21));
        async_spawn(g, sees(11, 21, 'd'));
    }
    is(async_local_get(two), 21);
    return r;
}

static size_t live;

static void *count_malloc(void *ctx, size_t size)
{
    (void)ctx;
    live++;
    return malloc(size);
}

static void *count_realloc(void *ctx, void *p, size_t size)
{
    (void)ctx;
    live += !p;
    return realloc(p, size);
}

static void count_free(void *ctx, void *p)
{
    (void)ctx;
    live--;
    free(p);
}

ASYNC_DEF(keeps, (int)a)
{
    ASYNC_TRY(await_sleep(5));
    return async_local_get(one) == a ? 0 : -EIO;
}

/* A server that says to each request which one it is, while the one before is still at work. */
ASYNC_DEF(sets_for_each)
{
    int r;
    size_t before = live;
    await_group (r, g)
        for (int i = 0; i < 1000; i++) {
            ok(async_local_set(one, i));
            ok(async_local_set(three, 'x'));
            async_spawn(g, keeps(i));
            ok(await_sleep(1));
            is_true(live < before + 40);
        }
    return r;
}

START_TEST(does_not_grow)
{
    const async_allocator a = { count_malloc, count_realloc, count_free, NULL };
    ok(async_set_allocator(&a));
    RUN(sets_for_each());
    is(live, 0);
}
END_TEST

SUITE("local", seen_as_at_the_creation, does_not_grow)
