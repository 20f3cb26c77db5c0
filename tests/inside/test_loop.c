/* SPDX-License-Identifier: MIT */
/* What the loop must get right however the clock and the kernel fall in with it: both answer here as the test wants. */
#include "../core/run.h"

#include <semaphore.h>

#include "base/sys.h"

/* --- the clock --- */

static int64_t now;

static int64_t fake_clock(void)
{
    return now;
}

ASYNC_DEF(ends_soon, (bool *)ended)
{
    ASYNC_TRY(await_sleep(0));
    *ended = true;
    return 0;
}

ASYNC_DEF(passes_the_time, (const bool *)ended, (int *)steps)
{
    for (int i = 0; i < 3; i++) {
        if (*ended)
            now += 1000000000;
        ++*steps;
        ASYNC_TRY(await_sleep(0));
    }
    return 0;
}

/* More steps than the loop makes without a look at the clock lie between the end and who waits for it. */
ASYNC_DEF(waits_with_a_limit)
{
    enum { OTHERS = 300 };
    bool ended = false;
    int steps = 0, r;
    await_task_auto t = async_create_task(ends_soon(&ended));
    await_group (r, g) {
        for (int i = 0; i < OTHERS; i++)
            async_ignore(async_spawn(g, passes_the_time(&ended, &steps)));
        is(await_wait(&t, 1, ASYNC_ALL_COMPLETED, 0.5), 1);
    }
    is(steps, 3 * OTHERS);
    return r;
}

START_TEST(limit_of_a_wait_passes_when_it_is_over)
{
    async__sys.clock = fake_clock;
    ok(run_heard(waits_with_a_limit(), NULL));
}
END_TEST

/* --- a post between two looks of one turn --- */

static struct {
    async_loop *loop;
    bool armed;
} post;

static void called(void *e)
{
    async_event_set(e);
}

static async_event event;

static int posting_epoll_wait(int ep, struct epoll_event *evs, int n, int64_t timeout)
{
    if (post.armed) {
        post.armed = false;
        ok(async_call_soon_threadsafe(post.loop, called, &event));
    }
    return async__sys_kernel.epoll_wait(ep, evs, n, timeout);
}

ASYNC_DEF(waits_to_read, (int)fd)
{
    return await_fd_ready(fd, POLLIN);
}

ASYNC_DEF(arms)
{
    post.armed = true;
    return 0;
}

ASYNC_DEF(does_nothing)
{
    return 0;
}

/* With any number of steps between that and the end of the turn. */
ASYNC_DEF(hears_of_it, (int)fd)
{
    await_task_auto t = async_create_task(waits_to_read(fd));
    ASYNC_TRY(await_sleep(0));
    for (int others = 0, r; others < 100; others++) {
        async_event_clear(&event);
        await_group (r, g) {
            async_ignore(async_spawn(g, arms()));
            for (int i = 0; i < others; i++)
                async_ignore(async_spawn(g, does_nothing()));
            r = await_event_wait(&event);
        }
        ASYNC_TRY(r);
    }
    return 0;
}

START_TEST(post_between_two_looks_of_a_turn)
{
    int pipes[2], r = 0, result = -1;
    ok(pipe(pipes));
    async_runner *rn = async_runner_open(NULL);
    post.loop = async_get_running_loop();
    async__sys.epoll_wait = posting_epoll_wait;
    ok(async_runner_start(rn, hears_of_it(pipes[0])));
    while (r == 0) {
        struct pollfd p = { .fd = async_runner_fd(rn), .events = POLLIN };
        is_true(post.armed || async_runner_timeout(rn) == 0 || poll(&p, 1, 0) == 1);
        r = async_runner_turn(rn, &result);
    }
    ok(result);
    async_runner_close(rn);
}
END_TEST

/* --- a thread that cannot be made --- */

static struct {
    int asked;
    void *(*fn)(void *arg);
    void *arg;
} makes;

/* The second begins when the test says so, the third never. */
static int few_threads(void *(*fn)(void *arg), void *arg)
{
    if (++makes.asked == 1)
        return async__sys_kernel.thread(fn, arg);
    makes.fn = fn;
    makes.arg = arg;
    return makes.asked == 2 ? 0 : EAGAIN;
}

ASYNC_THREAD(holds_a_thread, (sem_t *)begun, (sem_t *)end)
{
    return sem_post(begun) || sem_wait(end);
}

ASYNC_THREAD(short_work)
{
    return 0;
}

/* The worker that tried to make another is at a long job; a later one is for who rests, at once. */
ASYNC_DEF(works_on)
{
    int r;
    sem_t begun, first, second;
    ok(sem_init(&begun, 0, 0) || sem_init(&first, 0, 0) || sem_init(&second, 0, 0));
    await_group (r, g) {
        async_task *a = async_group_create_task(g, holds_a_thread(&begun, &first));
        ASYNC_TRY(await_sleep(0));
        ok(sem_wait(&begun));
        async_ignore(async_spawn(g, holds_a_thread(&begun, &second)));
        async_task *b = async_group_create_task(g, short_work());
        ASYNC_TRY(await_sleep(0));
        ok(async__sys_kernel.thread(makes.fn, makes.arg));
        ok(sem_wait(&begun));
        ok(sem_post(&first));
        ok(await_task(a));
        ok(await_task(b));
        async_task *c = async_group_create_task(g, short_work());
        is(await_wait(&c, 1, ASYNC_ALL_COMPLETED, 10), 1);
        ok(sem_post(&second));
    }
    return r;
}

START_TEST(job_after_a_thread_that_could_not_be_made)
{
    async__sys.thread = few_threads;
    ok(run_heard(works_on(), NULL));
    is(makes.asked, 3);
}
END_TEST

/* --- a runner that is closed when there is no memory --- */

static bool no_memory;

static void *bare_malloc(void *ctx, size_t size)
{
    (void)ctx;
    return no_memory ? NULL : malloc(size);
}

static void *bare_realloc(void *ctx, void *p, size_t size)
{
    (void)ctx;
    return no_memory ? NULL : realloc(p, size);
}

static void bare_free(void *ctx, void *p)
{
    (void)ctx;
    free(p);
}

static void *bare_map(size_t size)
{
    return no_memory ? NULL : async__sys_kernel.map(size);
}

static int cleaned, calls;

static void counts(void *n)
{
    ++*(int *)n;
}

static void is_done(async_task *t, void *arg)
{
    is_true(async_task_cancelled(t));
    counts(arg);
}

ASYNC_DEF(cleans_up)
{
    int r = await_sleep(1000), s;
    await_shield (s)
        s = await_sleep(1);
    ok(s);
    cleaned++;
    return r;
}

ASYNC_DEF(never_begins)
{
    ck_abort_msg("it has begun");
    return 0;
}

ASYNC_DEF(leaves_much, (async_callback *)later)
{
    async_spawn(async_background(), cleans_up());
    async_task *lost = async_create_task(cleans_up());
    ok(async_task_add_done_callback(lost, is_done, &calls));
    ASYNC_TRY(await_sleep(1));
    async_call_later(later, 0.5, counts, &calls); /* while the others clean up */
    return 0;
}

/* What its runs have left is cancelled and awaited, and their callbacks are called, though not one byte is to be had. */
START_TEST(a_runner_is_closed_without_memory)
{
    const async_allocator bare = { bare_malloc, bare_realloc, bare_free, NULL };
    async_callback later;
    ok(async_set_allocator(&bare));
    async__sys.map = bare_map;
    for (unsigned seed = 0; seed < 20; seed++) {
        no_memory = false;
        cleaned = calls = 0;
        async_runner *rn =
                async_runner_open(&(struct async_run_opts){ .virtual_clock = true, .seed = seed });
        ok(async_runner_run(rn, leaves_much(&later)));
        no_memory = true;
        while (async_create_task(never_begins())) /* until there is no record left */
            ;
        ears_open();
        async_runner_close(rn);
        const char *said = heard();
        ears_close();
        is_text(said, "");
        is(cleaned, 2);
        is(calls, 2);
    }
}
END_TEST

SUITE("loop", a_runner_is_closed_without_memory, job_after_a_thread_that_could_not_be_made,
      limit_of_a_wait_passes_when_it_is_over, post_between_two_looks_of_a_turn)
