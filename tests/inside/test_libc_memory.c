/* SPDX-License-Identifier: MIT */
/* Tests of what is allocated by libc although the program may have an allocator of its own, because
 * it outlives the loop: without memory, the calls fail and leave nothing. */
#include "../frame/loop_test.h"

static int countdown; /* if it is 1, the next allocation fails */

static bool fails(void)
{
    return countdown > 0 && --countdown == 0;
}

#include "../failing_malloc.h"

ASYNC_DEF(seven)
{
    return 7;
}

TEST(loop_opened_without_memory_fails_with_enomem)
{
    int r, n = 0;
    do {
        countdown = ++n;
        r = async_run(seven());
        countdown = 0; /* what the test allocates itself does not fail */
        expect_true(r == 7 || r == -ENOMEM);
    } while (r == -ENOMEM);
    expect_greater(n, 1);
}

static void count_drop(void *n)
{
    ++*(int *)n;
}

LOOP_TEST(coroutine_submitted_without_memory_is_refused)
{
    int dropped = 0;
    async_loop *l = async_get_running_loop();
    countdown = 1;
    async_remote *r =
            async_create_task_threadsafe(l, seven(), .owned = &dropped, .drop = count_drop);
    countdown = 0;
    expect_null(r);
    expect_int(dropped, 1);
    expect_int(async_remote_wait(r, 0), -ENOMEM);
    return await_sleep(1);
}

SUITE("inside-libc_memory", loop_opened_without_memory_fails_with_enomem,
      coroutine_submitted_without_memory_is_refused)
