/* SPDX-License-Identifier: MIT */
/* Descriptors: waiting for them, and closing them while a task waits. */
#include "../frame/loop_test.h"

#include <poll.h>
#include <limits.h>
#include <netinet/in.h>
#include <sys/socket.h>

static int pipe_fds[2];

static void open_pipe(void)
{
    expect_ok(pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK));
}

static void put(int fd)
{
    expect_int(write(fd, "x", 1), 1);
}

static void get(int fd)
{
    char c;
    expect_int(read(fd, &c, 1), 1);
}

ASYNC_DEF(waits, (int)fd, (int)events, (const char *)word)
{
    int r = await_fd_ready(fd, events);
    log_event("%s=%s", word, result_text(r));
    return r;
}

LOOP_TEST(ready_descriptor_returns_at_once)
{
    open_pipe();
    expect_int(await_fd_ready(pipe_fds[1], POLLOUT), POLLOUT);
    put(pipe_fds[1]);
    expect_int(await_fd_ready(pipe_fds[0], POLLIN), POLLIN);
    get(pipe_fds[0]);
    close(pipe_fds[1]);
    expect_true(await_fd_ready(pipe_fds[0], POLLIN) & POLLHUP);
    expect_int(await_fd_ready(pipe_fds[0], 0), -EINVAL);
    return async_fd_close(pipe_fds[0]);
}

LOOP_TEST(wait_returns_when_the_descriptor_becomes_ready)
{
    open_pipe();
    for (int i = 0; i < 3; i++) {
        await_task_auto t = async_create_task(waits(pipe_fds[0], POLLIN, "in"));
        expect_ok(await_sleep(0));
        put(pipe_fds[1]);
        expect_int(await_task(t), POLLIN);
        get(pipe_fds[0]);
    }
    expect_ok(async_fd_close(pipe_fds[1]));
    return async_fd_close(pipe_fds[0]);
}

LOOP_TEST(bad_descriptor_is_refused)
{
    async_watch w;
    expect_int(await_fd_ready(-1, POLLIN), -EBADF);
    expect_int(await_fd_ready(999, POLLIN), -EBADF);
    expect_int(await_fd_ready(INT_MAX, POLLIN), -EBADF);
    expect_int(await_fd_ready(INT_MIN, POLLIN), -EBADF);
    expect_int(async_fd_close(-1), -EBADF);
    expect_int(async_fd_close(999), -EBADF);
    expect_int(async_watch_start(&w, -1, POLLIN, NULL, NULL), -EBADF);
    async_watch_stop(&w);
    expect_int(async_watch_start(&w, 999, POLLIN, NULL, NULL), -EBADF);
    return 0;
}

LOOP_TEST(cancelled_wait_leaves_the_descriptor_free)
{
    int r;
    open_pipe();
    await_timeout (r, 1)
        r = await_fd_ready(pipe_fds[0], POLLIN);
    expect_int(r, -ETIMEDOUT);
    put(pipe_fds[1]); /* nothing is left behind */
    expect_int(await_fd_ready(pipe_fds[0], POLLIN), POLLIN);
    async_task_cancel(async_current_task());
    expect_int(await_fd_ready(pipe_fds[0], POLLIN), -ECANCELED);
    expect_int(await_fd_ready(-1, POLLIN), -ECANCELED);
    async_uncancel();
    expect_ok(async_fd_close(pipe_fds[1]));
    return async_fd_close(pipe_fds[0]);
}

LOOP_TEST(second_reader_is_refused)
{
    int fds[2];
    expect_ok(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds));
    char block[4096] = { 0 };
    while (write(fds[0], block, sizeof block) > 0)
        ;
    await_task_auto in = async_create_task(waits(fds[0], POLLIN, "in"));
    await_task_auto out = async_create_task(waits(fds[0], POLLOUT, "out"));
    expect_ok(await_sleep(0));
    expect_int(await_fd_ready(fds[0], POLLIN), -EBUSY);
    expect_int(await_fd_ready(fds[0], POLLOUT), -EBUSY);
    expect_int(await_fd_ready(fds[0], POLLIN | POLLOUT), -EBUSY);
    async_watch w;
    expect_int(async_watch_start(&w, fds[0], POLLIN, NULL, NULL), -EBUSY);
    put(fds[1]); /* each is woken by its own */
    expect_int(await_task(in), POLLIN);
    expect_false(async_task_done(out));
    while (read(fds[1], block, sizeof block) > 0)
        ;
    expect_true(await_task(out) & POLLOUT);
    expect_ok(async_fd_close(fds[0]));
    return async_fd_close(fds[1]);
}

/* One of two is cancelled: the other still waits, and is still woken. */
LOOP_TEST(cancelled_reader_leaves_the_writer_waiting)
{
    int fds[2];
    expect_ok(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds));
    char block[4096] = { 0 };
    while (write(fds[0], block, sizeof block) > 0)
        ;
    await_task_auto in = async_create_task(waits(fds[0], POLLIN, "in"));
    await_task_auto out = async_create_task(waits(fds[0], POLLOUT, "out"));
    expect_ok(await_sleep(0));
    async_task_cancel(out);
    expect_int(await_task(out), -ECANCELED);
    put(fds[1]);
    expect_int(await_task(in), POLLIN);
    expect_ok(async_fd_close(fds[0]));
    return async_fd_close(fds[1]);
}

LOOP_TEST(close_wakes_the_waiter_with_epipe)
{
    open_pipe();
    await_task_auto in = async_create_task(waits(pipe_fds[0], POLLIN, "in"));
    expect_ok(await_sleep(0));
    expect_ok(async_fd_close(pipe_fds[0]));
    expect_int(await_task(in), -EPIPE);
    expect_int(await_fd_ready(pipe_fds[0], POLLIN), -EBADF);
    return async_fd_close(pipe_fds[1]);
}

/* Closed, and the number used again at once: the new owner's events are its own. */
LOOP_TEST(number_that_is_used_again_is_a_new_descriptor)
{
    open_pipe();
    int old = pipe_fds[0], writer = pipe_fds[1];
    await_task_auto in = async_create_task(waits(old, POLLIN, "old"));
    expect_ok(await_sleep(0));
    put(writer); /* ready, but the loop has not polled since */
    expect_ok(async_fd_close(old));
    open_pipe();
    expect_int(pipe_fds[0], old);
    await_task_auto again = async_create_task(waits(old, POLLIN, "new"));
    expect_int(await_task(in), -EPIPE);
    expect_ok(await_sleep(1));
    expect_false(async_task_done(again));
    put(pipe_fds[1]);
    expect_int(await_task(again), POLLIN);
    expect_events("old=-EPIPE new=1");
    close(writer);
    close(pipe_fds[1]);
    return async_fd_close(old);
}

/* Its owner closes it by close(), between two waits: nothing is assumed. */
LOOP_TEST(descriptor_closed_without_the_loop_is_registered_again)
{
    for (int i = 0; i < 3; i++) {
        open_pipe();
        await_task_auto t = async_create_task(waits(pipe_fds[0], POLLIN, "in"));
        expect_ok(await_sleep(0));
        put(pipe_fds[1]);
        expect_int(await_task(t), POLLIN);
        close(pipe_fds[0]);
        close(pipe_fds[1]);
    }
    return 0;
}

LOOP_TEST(regular_file_is_always_ready)
{
    int fd = memfd_create("file", MFD_CLOEXEC);
    expect_int(await_fd_ready(fd, POLLIN), POLLIN);
    async_watch w;
    expect_int(async_watch_start(&w, fd, POLLIN, NULL, NULL), -EPERM);
    async_watch_stop(&w);
    return async_fd_close(fd);
}

ASYNC_DEF(waits_twice, (int)fd)
{
    int first = await_fd_ready(fd, POLLIN), second = await_sleep(0);
    log_event("%s %s", result_text(first), result_text(second));
    return 0;
}

struct hunt {
    async_watch watch;
    async_task *prey;
    int fd;
};

static void cancels(void *arg, int events)
{
    struct hunt *h = arg;
    (void)events;
    async_watch_stop(&h->watch);
    expect_true(async_task_cancel(h->prey));
}

/* Both descriptors become ready in one poll: whichever is told first, the waiter is not stranded;
 * if it was woken before the cancel it returns its success, for it takes nothing from others. */
static void hunt(bool prey_first)
{
    int other[2];
    struct hunt h = { 0 };
    clear_events();
    open_pipe();
    expect_ok(pipe2(other, O_CLOEXEC | O_NONBLOCK));
    await_task_auto t = async_create_task(waits_twice(pipe_fds[0]));
    h.prey = t;
    expect_ok(async_watch_start(&h.watch, other[0], POLLIN, cancels, &h));
    expect_ok(await_sleep(0));
    put(prey_first ? pipe_fds[1] : other[1]);
    put(prey_first ? other[1] : pipe_fds[1]);
    expect_ok(await_task(t));
    expect_events(prey_first ? "1 -ECANCELED" : "-ECANCELED -ECANCELED");
    for (int i = 0; i < 2; i++) {
        close(other[i]);
        expect_ok(async_fd_close(pipe_fds[i]));
    }
}

LOOP_TEST(wait_that_succeeded_before_the_cancel_returns_success)
{
    hunt(true);
    return 0;
}

LOOP_TEST(wait_that_was_cancelled_first_returns_the_cancel)
{
    hunt(false);
    return 0;
}

LOOP_TEST(many_descriptors_are_waited_for_at_once)
{
    enum { N = 100 };
    static int fds[N][2];
    static async_task *tasks[N];
    for (int i = 0; i < N; i++) {
        expect_ok(pipe2(fds[i], O_CLOEXEC | O_NONBLOCK));
        tasks[i] = async_create_task(waits(fds[i][0], POLLIN, ""));
    }
    expect_ok(await_sleep(0));
    for (int i = N; i-- > 0;)
        put(fds[i][1]);
    for (int i = 0; i < N; i++) {
        expect_int(await_task(tasks[i]), POLLIN);
        await_task_drop(&tasks[i]);
        expect_ok(async_fd_close(fds[i][0]));
        expect_ok(async_fd_close(fds[i][1]));
    }
    return 0;
}

TEST(wait_outside_of_a_loop_is_refused)
{
    async_watch w;
    capture_stderr_begin();
    expect_int(await_fd_ready(0, POLLIN), -EPERM);
    expect_contains(captured_stderr(), "await_fd_ready() outside of a task");
    expect_int(async_watch_start(&w, 0, POLLIN, NULL, NULL), -EPERM);
    expect_contains(captured_stderr(), "without a loop");
    async_watch_stop(&w);
    capture_stderr_end();
    open_pipe();
    expect_ok(async_fd_close(pipe_fds[0]));
    expect_int(async_fd_close(pipe_fds[0]), -EBADF);
    close(pipe_fds[1]);
}

/* Waiting for urgent data goes on when another task comes to wait on the other side. */
LOOP_TEST(urgent_data_wakes_its_waiter_while_another_task_waits_to_write)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof a;
    char block[4096] = { 0 };
    int l = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    expect_ok(bind(l, (struct sockaddr *)&a, sizeof a));
    expect_ok(listen(l, 1));
    expect_ok(getsockname(l, (struct sockaddr *)&a, &size));
    int peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    expect_ok(connect(peer, (struct sockaddr *)&a, sizeof a));
    int fd = accept4(l, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    while (write(fd, block, sizeof block) > 0)
        ;
    await_task_auto urgent = async_create_task(waits(fd, POLLPRI, "urgent"));
    expect_ok(await_sleep(0));
    await_task_auto out = async_create_task(waits(fd, POLLOUT, "out"));
    expect_ok(await_sleep(0));
    expect_int(send(peer, "!", 1, MSG_OOB), 1);
    int r = 0;
    await_timeout (r, 60)
        r = await_task(urgent);
    expect_int(r, POLLPRI);
    expect_false(async_task_done(out));
    expect_ok(async_fd_close(fd));
    expect_int(await_task(out), -EPIPE);
    return close(peer) + close(l);
}

SUITE("fd", ready_descriptor_returns_at_once, wait_returns_when_the_descriptor_becomes_ready,
      bad_descriptor_is_refused, cancelled_wait_leaves_the_descriptor_free,
      second_reader_is_refused, cancelled_reader_leaves_the_writer_waiting,
      close_wakes_the_waiter_with_epipe, number_that_is_used_again_is_a_new_descriptor,
      descriptor_closed_without_the_loop_is_registered_again, regular_file_is_always_ready,
      wait_that_succeeded_before_the_cancel_returns_success,
      wait_that_was_cancelled_first_returns_the_cancel, many_descriptors_are_waited_for_at_once,
      urgent_data_wakes_its_waiter_while_another_task_waits_to_write,
      wait_outside_of_a_loop_is_refused)
