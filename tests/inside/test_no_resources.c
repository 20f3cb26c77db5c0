/* SPDX-License-Identifier: MIT */
/* Tests of the loop without threads, without memory, or without room in the kernel. */
#include "../frame/loop_test.h"

#include <poll.h>
#include <errno.h>
#include <limits.h>
#include <semaphore.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/sys.h"

/* --- a thread that cannot be started --- */

static struct {
    int asked;
    void *(*fn)(void *arg);
    void *arg;
} makes;

/* The second thread starts when the test starts it, the third never. */
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

/* The worker that failed to start another one is busy with a long call. A later call must run at
 * once on an idle worker. */
ASYNC_DEF(works_on)
{
    int r;
    sem_t begun, first, second;
    expect_ok(sem_init(&begun, 0, 0) || sem_init(&first, 0, 0) || sem_init(&second, 0, 0));
    await_group (r, g) {
        async_task *a = async_group_create_task(g, holds_a_thread(&begun, &first));
        ASYNC_TRY(await_sleep(0));
        expect_ok(sem_wait(&begun));
        async_ignore(async_spawn(g, holds_a_thread(&begun, &second)));
        async_task *b = async_group_create_task(g, short_work());
        ASYNC_TRY(await_sleep(0));
        expect_ok(async__sys_kernel.thread(makes.fn, makes.arg));
        expect_ok(sem_wait(&begun));
        expect_ok(sem_post(&first));
        expect_ok(await_task(a));
        expect_ok(await_task(b));
        async_task *c = async_group_create_task(g, short_work());
        expect_int(await_wait(&c, 1, ASYNC_ALL_COMPLETED, 10), 1);
        expect_ok(sem_post(&second));
    }
    return r;
}

TEST(call_after_thread_could_not_be_started_runs_on_idle_thread)
{
    async__sys.thread = few_threads;
    expect_ok(run_silently(works_on(), NULL));
    expect_int(makes.asked, 3);
}

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

static void count_done(async_task *t, void *arg)
{
    expect_true(async_task_cancelled(t));
    counts(arg);
}

ASYNC_DEF(cleans_up)
{
    int r = await_sleep(1000), s;
    await_shield (s)
        s = await_sleep(1);
    expect_ok(s);
    cleaned++;
    return r;
}

ASYNC_DEF(never_begins)
{
    fail_test("it has begun");
    return 0;
}

ASYNC_DEF(leaves_much, (async_callback *)later)
{
    async_spawn(async_background(), cleans_up());
    async_task *lost = async_create_task(cleans_up());
    expect_ok(async_task_add_done_callback(lost, count_done, &calls));
    ASYNC_TRY(await_sleep(1));
    async_call_later(later, 0.5, counts, &calls); /* runs while the others clean up */
    return 0;
}

/* The remaining tasks are cancelled and awaited, and their callbacks run, although no allocation
 * succeeds. */
TEST(runner_closes_without_memory)
{
    const async_allocator bare = { bare_malloc, bare_realloc, bare_free, NULL };
    async_callback later = { 0 };
    expect_ok(async_set_allocator(&bare));
    async__sys.map = bare_map;
    for (unsigned seed = 0; seed < 20; seed++) {
        no_memory = false;
        cleaned = calls = 0;
        async_runner *rn =
                async_runner_open(&(struct async_run_opts){ .virtual_clock = true, .seed = seed });
        expect_ok(async_runner_run(rn, leaves_much(&later)));
        no_memory = true;
        while (async_create_task(never_begins())) /* until no task record is free */
            ;
        capture_stderr_begin();
        async_runner_close(rn);
        const char *output = captured_stderr();
        capture_stderr_end();
        expect_text(output, "");
        expect_int(cleaned, 2);
        expect_int(calls, 2);
    }
}

/* --- what the kernel refuses --- */

ASYNC_DEF(does_nothing)
{
    return 0;
}

static void *no_map(size_t size)
{
    (void)size;
    return NULL;
}

/* It can be closed. */
TEST(runner_without_room_for_main_returns_enomem)
{
    capture_stderr_begin();
    async_runner *rn = async_runner_open(NULL);
    async__sys.map = no_map;
    expect_int(async_runner_run(rn, does_nothing()), -ENOMEM);
    expect_int(async_runner_start(rn, does_nothing()), -ENOMEM);
    async_runner_close(rn);
    expect_text(captured_stderr(), "");
    capture_stderr_end();
}

ASYNC_DEF(takes_all_the_room)
{
    enum { MANY = 2000 };
    static async_remote *r[MANY];
    int refused = 0;
    async__sys.map = no_map;
    for (int i = 0; i < MANY; i++)
        r[i] = async_create_task_threadsafe(async_get_running_loop(), does_nothing());
    expect_ok(await_sleep(1));
    for (int i = 0; i < MANY; i++) {
        expect_true(async_remote_done(r[i]));
        refused += async_remote_wait(r[i], 0) == -ENOMEM;
        async_remote_drop(&r[i]);
    }
    expect_true(refused > 0 && refused < MANY);
    async__sys.map = async__sys_kernel.map;
    return 0;
}

/* It is not lost. */
TEST(submitted_coroutine_without_room_is_refused)
{
    expect_run_ok(takes_all_the_room());
}

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

/* Two tasks wait for one descriptor, for different events. When one has been woken and the kernel
 * refuses to wait for the other's event, the other task is woken to check for itself. */
ASYNC_DEF(two_tasks_wait, (int *)fds)
{
    static char much[1 << 20];
    while (write(fds[0], much, sizeof much) > 0) /* the socket is full */
        ;
    await_task_auto reader = async_create_task(waits_for(fds[0], POLLIN));
    await_task_auto writer = async_create_task(waits_for(fds[0], POLLOUT));
    expect_ok(await_sleep(0));
    ctl_left = 0;
    expect_int(write(fds[1], "x", 1), 1);
    expect_int(await_task(reader), POLLIN);
    expect_int(await_task(writer), POLLERR);
    expect_int(read(fds[0], much, sizeof much), 1);
    ctl_left = 1;
    await_task_auto again = async_create_task(waits_for(fds[0], POLLOUT));
    await_task_auto second = async_create_task(waits_for(fds[0], POLLIN));
    expect_ok(await_sleep(0));
    expect_int(await_task(second), -ENOSPC);
    ctl_left = 0;
    while (read(fds[1], much, sizeof much) > 0)
        ;
    expect_int(await_task(again) & POLLOUT, POLLOUT);
    ctl_left = INT_MAX;
    while (write(fds[0], much, sizeof much) > 0)
        ;
    await_task_auto third = async_create_task(waits_for(fds[0], POLLIN));
    await_task_auto fourth = async_create_task(waits_for(fds[0], POLLOUT));
    expect_ok(await_sleep(0));
    ctl_left = 0;
    while (read(fds[1], much, sizeof much) > 0)
        ;
    expect_int(await_task(fourth), POLLOUT);
    expect_int(await_task(third), POLLERR);
    ctl_left = INT_MAX;
    return 0;
}

TEST(descriptor_that_cannot_be_rearmed_wakes_second_waiter)
{
    int fds[2];
    expect_ok(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds));
    async__sys.epoll_ctl = few_epoll_ctls;
    expect_run_ok(two_tasks_wait(fds));
    close(fds[0]);
    close(fds[1]);
}

SUITE("inside-no_resources", runner_closes_without_memory,
      runner_without_room_for_main_returns_enomem, submitted_coroutine_without_room_is_refused,
      descriptor_that_cannot_be_rearmed_wakes_second_waiter,
      call_after_thread_could_not_be_started_runs_on_idle_thread)
