/* SPDX-License-Identifier: MIT */
/* What the loop must get right however the clock and the kernel fall in with it: both answer here as the test wants. */
#include "../core/run.h"

#include <errno.h>
#include <limits.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>

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

/* --- what the kernel refuses --- */

static void *no_map(size_t size)
{
    (void)size;
    return NULL;
}

/* A runner that has no room for a main task says so, and closes. */
START_TEST(runner_without_room_for_a_task)
{
    ears_open();
    async_runner *rn = async_runner_open(NULL);
    async__sys.map = no_map;
    is(async_runner_run(rn, does_nothing()), -ENOMEM);
    is(async_runner_start(rn, does_nothing()), -ENOMEM);
    async_runner_close(rn);
    is_text(heard(), "");
    ears_close();
}
END_TEST

ASYNC_DEF(takes_all_the_room)
{
    enum { MANY = 2000 };
    static async_remote *r[MANY];
    int refused = 0;
    async__sys.map = no_map;
    for (int i = 0; i < MANY; i++)
        r[i] = async_create_task_threadsafe(async_get_running_loop(), does_nothing());
    ok(await_sleep(1));
    for (int i = 0; i < MANY; i++) {
        is_true(async_remote_done(r[i]));
        refused += async_remote_wait(r[i], 0) == -ENOMEM;
        async_remote_drop(&r[i]);
    }
    is_true(refused > 0 && refused < MANY);
    async__sys.map = async__sys_kernel.map;
    return 0;
}

/* What a thread has asked for is not lost when there is no room for it: it is refused. */
START_TEST(remote_tasks_without_room)
{
    RUN(takes_all_the_room());
}
END_TEST

static int ctl_left = INT_MAX;

static int few_epoll_ctls(int ep, int op, int fd, struct epoll_event *ev)
{
    if (ctl_left-- > 0)
        return async__sys_kernel.epoll_ctl(ep, op, fd, ev);
    errno = ENOSPC;
    return -1;
}

ASYNC_DEF(waits_for, (int)fd, (int)events)
{
    return await_fd_ready(fd, events);
}

/* Two wait for one descriptor, each for another thing. When one has been told and the kernel will not listen any more
 * for the other, that one looks for itself. */
ASYNC_DEF(two_who_wait, (int *)fds)
{
    static char much[1 << 20];
    while (write(fds[0], much, sizeof much) > 0) /* no room to write */
        ;
    await_task_auto reader = async_create_task(waits_for(fds[0], POLLIN));
    await_task_auto writer = async_create_task(waits_for(fds[0], POLLOUT));
    ok(await_sleep(0));
    ctl_left = 0;
    is(write(fds[1], "x", 1), 1);
    is(await_task(reader), POLLIN);
    is(await_task(writer), POLLERR);
    is(read(fds[0], much, sizeof much), 1);
    ctl_left = 1;
    await_task_auto again = async_create_task(waits_for(fds[0], POLLOUT));
    await_task_auto second = async_create_task(waits_for(fds[0], POLLIN));
    ok(await_sleep(0));
    is(await_task(second), -ENOSPC);
    ctl_left = 0;
    while (read(fds[1], much, sizeof much) > 0)
        ;
    is(await_task(again) & POLLOUT, POLLOUT);
    ctl_left = INT_MAX;
    while (write(fds[0], much, sizeof much) > 0)
        ;
    await_task_auto third = async_create_task(waits_for(fds[0], POLLIN));
    await_task_auto fourth = async_create_task(waits_for(fds[0], POLLOUT));
    ok(await_sleep(0));
    ctl_left = 0;
    while (read(fds[1], much, sizeof much) > 0)
        ;
    is(await_task(fourth), POLLOUT);
    is(await_task(third), POLLERR);
    ctl_left = INT_MAX;
    return 0;
}

START_TEST(descriptor_that_cannot_be_armed_again)
{
    int fds[2];
    ok(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds));
    async__sys.epoll_ctl = few_epoll_ctls;
    RUN(two_who_wait(fds));
    close(fds[0]);
    close(fds[1]);
}
END_TEST

/* --- moments --- */

static int interrupts_left;

static int64_t interrupting_clock(void)
{
    struct sigaction at;
    sigaction(SIGINT, NULL, &at);
    if (at.sa_handler != SIG_DFL && interrupts_left > 0) {
        interrupts_left--;
        raise(SIGINT);
    }
    return async__sys_kernel.clock();
}

ASYNC_DEF(notes_its_beginning)
{
    note("begun");
    return 0;
}

/* Ctrl-C between the handler's coming and main's first step: there is nothing to clean up. */
START_TEST(interrupt_before_mains_first_step)
{
    signal(SIGINT, SIG_DFL); /* Check has a handler of its own */
    interrupts_left = 1;
    async__sys.clock = interrupting_clock;
    is(async_main(notes_its_beginning()), 130);
    is_trail("");
    is(interrupts_left, 0);
}
END_TEST

/* A timer whose time has passed while the host was at something else. */
START_TEST(host_that_comes_late)
{
    int r;
    now = 1000000000;
    async__sys.clock = fake_clock;
    async_runner *rn = async_runner_open(NULL);
    ok(async_runner_start(rn, async_sleep(1)));
    for (int i = 0; i < 3; i++)
        ok(async_runner_turn(rn, NULL));
    is_true(async_runner_timeout(rn) > 0.99 && async_runner_timeout(rn) < 1.01);
    now += INT64_C(2000000000);
    is_true(async_runner_timeout(rn) == 0);
    while (async_runner_turn(rn, &r) == 0)
        ;
    ok(r);
    async_runner_close(rn);
}
END_TEST

/* --- limits that pass while nobody looks --- */

static struct {
    double limit[3]; /* of three blocks, the outermost first */
    int verdict[3];
    bool expired[3];
} nest;

ASYNC_DEF(blocks)
{
    int a, b, c;
    await_timeout (a, nest.limit[0]) {
        await_timeout (b, nest.limit[1]) {
            await_timeout (c, nest.limit[2]) {
                now += INT64_C(10000000000);
                c = await_sleep(0);
                nest.expired[2] = async_expired();
            }
            nest.verdict[2] = c;
            nest.expired[1] = async_expired();
            b = 0;
        }
        nest.verdict[1] = b;
        nest.expired[0] = async_expired();
        a = 0;
    }
    nest.verdict[0] = a;
    return 0;
}

/* The one that was first says so, whichever block it is; what has not passed says nothing. */
START_TEST(first_of_the_limits_that_passed)
{
    static const double times[] = { 1, 2, 3, 20 };
    async__sys.clock = fake_clock;
    for (int n = 0; n < 64; n++) {
        int first = 0;
        for (int i = 0; i < 3; i++)
            nest.limit[i] = times[n >> 2 * i & 3];
        for (int i = 1; i < 3; i++)
            if (nest.limit[i] < nest.limit[first])
                first = i;
        now = 1000000000;
        ok(async_run(blocks()));
        for (int i = 0; i < 3; i++)
            is_true(!nest.expired[i] || nest.limit[i] < 10);
        is(nest.expired[first], nest.limit[first] < 10);
        is(nest.verdict[first], nest.limit[first] < 10 ? -ETIMEDOUT : 0);
    }
}
END_TEST

SUITE("loop", first_of_the_limits_that_passed, a_runner_is_closed_without_memory,
      runner_without_room_for_a_task, remote_tasks_without_room,
      descriptor_that_cannot_be_armed_again, interrupt_before_mains_first_step,
      host_that_comes_late, job_after_a_thread_that_could_not_be_made,
      limit_of_a_wait_passes_when_it_is_over, post_between_two_looks_of_a_turn)
