/* SPDX-License-Identifier: MIT */
/* Task-local variables: who sees what, and that a list of settings does not grow. */
#include "run.h"

#include <errno.h>
#include <pthread.h>

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
static long countdown; /* 1: the next allocation fails */

static void *count_malloc(void *ctx, size_t size)
{
    (void)ctx;
    if (countdown > 0 && --countdown == 0)
        return NULL;
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

/* A setting that there is no memory for changes nothing: neither its own value, nor the others of the list that had to
 * be copied, nor those of whom it was shared with. */
ASYNC_DEF(sets_without_memory)
{
    int r;
    long refused = 0;
    await_group (r, g) {
        ok(async_local_set(one, 10));
        ok(async_local_set(two, 20));
        ok(async_local_set(three, 'd'));
        async_spawn(g, sees(10, 20, 'd'));
        do {
            countdown = ++refused;
            r = async_local_set(one, 11);
            countdown = 0;
            is_true(r == 0 || r == -ENOMEM);
            is(async_local_get(one), r == 0 ? 11 : 10);
            is(async_local_get(two), 20);
            is(async_local_get(three), 'd');
        } while (r < 0);
    }
    is(refused, 4); /* one, and copies of the two that stood before it */
    return r;
}

START_TEST(without_memory)
{
    const async_allocator a = { count_malloc, count_realloc, count_free, NULL };
    ok(async_set_allocator(&a));
    RUN(sets_without_memory());
    is(live, 0);
}
END_TEST

/* What frees a thread's variables when it ends needs a key, of which a process has a thousand or so. */
START_TEST(no_key_left)
{
    pthread_key_t key;
    while (pthread_key_create(&key, NULL) == 0)
        ;
    is(async_local_set(one, 11), -ENOMEM);
    is(async_local_set(one, 11), -ENOMEM);
    is(async_local_get(one), 1);
    RUN(sees(1, 2, 'c')); /* a task's are its own */
}
END_TEST

SUITE("local", without_memory, no_key_left, seen_as_at_the_creation, does_not_grow)
