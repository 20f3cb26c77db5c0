/* SPDX-License-Identifier: MIT */
/* Tests of context variables: which value each task and callback sees, and that the list of values
 * does not grow. */
#include "../frame/loop_test.h"

#include <poll.h>
#include <errno.h>
#include <pthread.h>

ASYNC_LOCAL(int, one, 1);
ASYNC_LOCAL(long, two, 2);
ASYNC_LOCAL(char, three, 'c');

ASYNC_DEF(sees, (int)a, (long)b, (char)c)
{
    ASYNC_TRY(await_sleep(1));
    expect_int(async_local_get(one), a);
    expect_int(async_local_get(two), b);
    expect_int(async_local_get(three), c);
    expect_ok(async_local_set(two, 99));
    expect_int(async_local_get(two), 99);
    expect_int(async_local_get(one), a);
    expect_int(async_local_get(three), c);
    return 0;
}

LOOP_TEST(task_sees_variables_as_they_were_at_its_creation)
{
    int r;
    await_group (r, g) {
        async_spawn(g, sees(1, 2, 'c'));
        expect_ok(async_local_set(one, 10));
        async_spawn(g, sees(10, 2, 'c'));
        expect_ok(async_local_set(two, 20));
        expect_ok(async_local_set(three, 'd'));
        async_spawn(g, sees(10, 20, 'd'));
        expect_ok(async_local_set(one, 11)); /* the last in the list, shared */
        async_spawn(g, sees(11, 20, 'd'));
        expect_ok(async_local_set(two, 21));
        async_spawn(g, sees(11, 21, 'd'));
    }
    expect_int(async_local_get(two), 21);
    return r;
}

static size_t live;
static long countdown; /* if it is 1, the next allocation fails */

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

static void count_memory(void)
{
    static const async_allocator counting = { count_malloc, count_realloc, count_free, NULL };
    expect_ok(async_set_allocator(&counting));
}

ASYNC_DEF(keeps, (int)a)
{
    ASYNC_TRY(await_sleep(5));
    return async_local_get(one) == a ? 0 : -EIO;
}

/* A server that sets the number of each request while the request before is still being served. */
ASYNC_DEF(sets_for_each)
{
    int r;
    size_t before = live;
    await_group (r, g)
        for (int i = 0; i < 1000; i++) {
            expect_ok(async_local_set(one, i));
            expect_ok(async_local_set(three, 'x'));
            async_spawn(g, keeps(i));
            expect_ok(await_sleep(1));
            expect_true(live < before + 40);
        }
    return r;
}

TEST(setting_variable_for_each_task_does_not_grow_memory)
{
    count_memory();
    expect_run_ok(sets_for_each());
    expect_ok(live);
}

/* If there is no memory to set a variable, nothing changes: neither its value, nor the other values
 * of the list, which had to be copied, nor the values of tasks that share the list. */
ASYNC_DEF(sets_without_memory)
{
    int r;
    long refused = 0;
    await_group (r, g) {
        expect_ok(async_local_set(one, 10));
        expect_ok(async_local_set(two, 20));
        expect_ok(async_local_set(three, 'd'));
        async_spawn(g, sees(10, 20, 'd'));
        do {
            countdown = ++refused;
            r = async_local_set(one, 11);
            countdown = 0;
            expect_true(r == 0 || r == -ENOMEM);
            expect_int(async_local_get(one), r == 0 ? 11 : 10);
            expect_int(async_local_get(two), 20);
            expect_int(async_local_get(three), 'd');
        } while (r < 0);
    }
    expect_int(refused, 4); /* one entry, and copies of the two before it */
    return r;
}

TEST(variable_set_without_memory_keeps_all_values)
{
    count_memory();
    expect_run_ok(sets_without_memory());
    expect_ok(live);
}

/* A key frees a thread's variables when it ends, and a process has about a thousand keys. */
TEST(variable_of_thread_without_free_key_cannot_be_set)
{
    pthread_key_t key;
    while (pthread_key_create(&key, NULL) == 0)
        ;
    expect_int(async_local_set(one, 11), -ENOMEM);
    expect_int(async_local_set(one, 11), -ENOMEM);
    expect_int(async_local_get(one), 1);
    expect_run_ok(sees(1, 2, 'c')); /* a task's are its own */
}

/* --- callbacks --- */

static int seen[4];

/* What the callback sets is not seen outside of it. */
static void looks(void *at)
{
    *(int *)at = async_local_get(one);
    expect_ok(async_local_set(one, -1));
    expect_int(async_local_get(one), -1);
}

static void looks_at_end(async_task *t, void *at)
{
    (void)t;
    looks(at);
}

ASYNC_DEF(schedule_callbacks, (async_callback *)cbs, (int)n)
{
    expect_ok(async_local_set(one, n));
    async_call_soon(&cbs[0], looks, &seen[0]);
    expect_ok(async_local_set(one, n + 1));
    async_call_later(&cbs[1], 2, looks, &seen[1]);
    expect_ok(async_local_set(one, n + 2));
    expect_ok(async_call_soon_threadsafe(async_get_running_loop(), looks, &seen[2]));
    expect_ok(async_local_set(one, n + 3));
    expect_ok(async_task_add_done_callback(async_current_task(), looks_at_end, &seen[3]));
    expect_ok(async_local_set(one, n + 4));
    return 0;
}

ASYNC_DEF(callbacks_look)
{
    async_callback cbs[2] = { 0 };
    /* called directly, because a task would end before they run */
    expect_ok(await_schedule_callbacks(cbs, 0));
    expect_ok(await_sleep(3));
    expect_ok(seen[0]);
    expect_int(seen[1], 1);
    expect_int(seen[2], 2);
    expect_int(async_local_get(one), 4);
    await_task_auto t = async_create_task(schedule_callbacks(cbs, 10));
    expect_ok(await_sleep(3));
    for (int i = 0; i < 4; i++)
        expect_int(seen[i], 10 + i);
    expect_int(async_local_get(one), 4);
    async_call_later(&cbs[0], 1, looks, &seen[0]);
    expect_true(async_callback_cancel(&cbs[0]));
    async_call_soon(&cbs[1], looks, &seen[1]);
    expect_true(async_callback_cancel(&cbs[1]));
    return 0;
}

TEST(callback_sees_variables_as_they_were_when_it_was_scheduled)
{
    count_memory();
    for (unsigned seed = 0; seed < 5; seed++)
        expect_run_ok(callbacks_look(), .seed = seed);
    expect_ok(live);
    expect_int(async_local_get(one), 1);
    expect_ok(async_set_allocator(NULL)); /* no variable is set outside of tasks */
}

static async_callback left;

ASYNC_DEF(leaves_a_callback)
{
    expect_ok(async_local_set(one, 5));
    async_call_later(&left, 100, looks, &seen[0]);
    return 0;
}

ASYNC_DEF(cancels_what_was_left)
{
    expect_false(async_callback_cancel(&left));
    return 0;
}

TEST(callback_of_closed_loop_releases_its_context)
{
    const async_allocator a = { count_malloc, count_realloc, count_free, NULL };
    expect_ok(async_set_allocator(&a));
    capture_stderr_begin();
    expect_ok(async_run(leaves_a_callback(), .virtual_clock = true));
    expect_text(captured_stderr(), "");
    expect_ok(async_run(cancels_what_was_left(), .virtual_clock = true));
    capture_stderr_end();
    expect_ok(live);
}

/* A callback schedules the next one, which receives its context and what it has set. */
static void schedule_next(void *cb)
{
    int n = async_local_get(one);
    log_event("%d", n);
    expect_ok(async_local_set(one, n + 1));
    if (n < 5)
        async_call_later(cb, 1, schedule_next, cb);
}

LOOP_TEST(callback_hands_its_context_to_callbacks_it_schedules)
{
    async_callback cb = { 0 };
    expect_ok(async_local_set(one, 3));
    async_call_soon(&cb, schedule_next, &cb);
    expect_ok(async_local_set(one, 0));
    expect_ok(await_sleep(10));
    expect_events("3 4 5");
    expect_ok(async_local_get(one));
    return 0;
}

static void looks_at_events(void *at, int events)
{
    expect_true(events & POLLOUT);
    looks(at);
}

LOOP_TEST(watch_sees_variables_as_they_were_when_it_was_started)
{
    int fds[2];
    async_watch w;
    expect_ok(pipe2(fds, O_CLOEXEC));
    expect_ok(async_local_set(one, 7));
    expect_ok(async_watch_start(&w, fds[1], POLLOUT, looks_at_events, &seen[0]));
    expect_ok(async_local_set(one, 8));
    for (int i = 0; i < 3; i++) {
        seen[0] = 0;
        while (!seen[0])
            expect_ok(await_sleep(0));
        expect_int(seen[0], 7);
    }
    async_watch_stop(&w);
    close(fds[0]);
    close(fds[1]);
    return 0;
}

TEST(callback_scheduled_outside_of_tasks_sees_variables_of_thread)
{
    async_callback cb = { 0 };
    expect_ok(async_local_set(one, 5));
    async_runner *rn = async_runner_open(&(struct async_run_opts){ .virtual_clock = true });
    async_call_soon(&cb, looks, &seen[0]);
    expect_ok(async_local_set(one, 6));
    expect_ok(async_runner_run(rn, async_sleep(1)));
    expect_int(seen[0], 5);
    expect_int(async_local_get(one), 6);
    async_runner_close(rn);
}

/* The first setting of a thread prepares its end once, although there was no memory for the
 * setting itself. */
static void *sets_again(void *arg)
{
    countdown = 1;
    expect_int(async_local_set(one, 11), -ENOMEM);
    expect_int(async_local_get(one), 1);
    expect_ok(async_local_set(one, 12));
    expect_int(async_local_get(one), 12);
    return arg;
}

TEST(variable_of_thread_is_set_after_first_setting_failed)
{
    pthread_t thread;
    count_memory();
    expect_ok(pthread_create(&thread, NULL, sets_again, NULL));
    expect_ok(pthread_join(thread, NULL));
    expect_ok(live);
    expect_ok(async_set_allocator(NULL)); /* the thread holds the allocator no longer */
}

SUITE("core-local", variable_set_without_memory_keeps_all_values,
      variable_of_thread_without_free_key_cannot_be_set,
      callback_sees_variables_as_they_were_when_it_was_scheduled,
      callback_of_closed_loop_releases_its_context,
      callback_hands_its_context_to_callbacks_it_schedules,
      watch_sees_variables_as_they_were_when_it_was_started,
      callback_scheduled_outside_of_tasks_sees_variables_of_thread,
      task_sees_variables_as_they_were_at_its_creation,
      setting_variable_for_each_task_does_not_grow_memory,
      variable_of_thread_is_set_after_first_setting_failed)
