/* SPDX-License-Identifier: MIT */
/* Descriptors: waiting for them, and closing them while a task waits. */
#include "run.h"

#include <limits.h>
#include <netinet/in.h>
#include <sys/socket.h>

static int pipe_fds[2];

static void open_pipe(void)
{
    ok(pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK));
}

static void put(int fd)
{
    is(write(fd, "x", 1), 1);
}

static void get(int fd)
{
    char c;
    is(read(fd, &c, 1), 1);
}

ASYNC_DEF(waits, (int)fd, (int)events, (const char *)word)
{
    int r = await_fd_ready(fd, events);
    note("%s=%s", word, shown(r));
    return r;
}

CASE(ready_descriptor_returns_at_once)
{
    open_pipe();
    is(await_fd_ready(pipe_fds[1], POLLOUT), POLLOUT);
    put(pipe_fds[1]);
    is(await_fd_ready(pipe_fds[0], POLLIN), POLLIN);
    get(pipe_fds[0]);
    close(pipe_fds[1]);
    is_true(await_fd_ready(pipe_fds[0], POLLIN) & POLLHUP);
    is(await_fd_ready(pipe_fds[0], 0), -EINVAL);
    return async_fd_close(pipe_fds[0]);
}

CASE(wait_returns_when_the_descriptor_becomes_ready)
{
    open_pipe();
    for (int i = 0; i < 3; i++) {
        await_task_auto t = async_create_task(waits(pipe_fds[0], POLLIN, "in"));
        ok(await_sleep(0));
        put(pipe_fds[1]);
        is(await_task(t), POLLIN);
        get(pipe_fds[0]);
    }
    ok(async_fd_close(pipe_fds[1]));
    return async_fd_close(pipe_fds[0]);
}

CASE(bad_descriptor_is_refused)
{
    async_watch w;
    is(await_fd_ready(-1, POLLIN), -EBADF);
    is(await_fd_ready(999, POLLIN), -EBADF);
    is(await_fd_ready(INT_MAX, POLLIN), -EBADF);
    is(await_fd_ready(INT_MIN, POLLIN), -EBADF);
    is(async_fd_close(-1), -EBADF);
    is(async_fd_close(999), -EBADF);
    is(async_watch_start(&w, -1, POLLIN, NULL, NULL), -EBADF);
    async_watch_stop(&w);
    is(async_watch_start(&w, 999, POLLIN, NULL, NULL), -EBADF);
    return 0;
}

CASE(cancelled_wait_leaves_the_descriptor_free)
{
    int r;
    open_pipe();
    await_timeout (r, 1)
        r = await_fd_ready(pipe_fds[0], POLLIN);
    is(r, -ETIMEDOUT);
    put(pipe_fds[1]); /* nothing is left behind */
    is(await_fd_ready(pipe_fds[0], POLLIN), POLLIN);
    async_task_cancel(async_current_task());
    is(await_fd_ready(pipe_fds[0], POLLIN), -ECANCELED);
    is(await_fd_ready(-1, POLLIN), -ECANCELED);
    async_uncancel();
    ok(async_fd_close(pipe_fds[1]));
    return async_fd_close(pipe_fds[0]);
}

CASE(second_reader_is_refused)
{
    int fds[2];
    ok(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds));
    char block[4096] = { 0 };
    while (write(fds[0], block, sizeof block) > 0)
        ;
    await_task_auto in = async_create_task(waits(fds[0], POLLIN, "in"));
    await_task_auto out = async_create_task(waits(fds[0], POLLOUT, "out"));
    ok(await_sleep(0));
    is(await_fd_ready(fds[0], POLLIN), -EBUSY);
    is(await_fd_ready(fds[0], POLLOUT), -EBUSY);
    is(await_fd_ready(fds[0], POLLIN | POLLOUT), -EBUSY);
    async_watch w;
    is(async_watch_start(&w, fds[0], POLLIN, NULL, NULL), -EBUSY);
    put(fds[1]); /* each is woken by its own */
    is(await_task(in), POLLIN);
    is_false(async_task_done(out));
    while (read(fds[1], block, sizeof block) > 0)
        ;
    is_true(await_task(out) & POLLOUT);
    ok(async_fd_close(fds[0]));
    return async_fd_close(fds[1]);
}

/* One of two is cancelled: the other still waits, and is still woken. */
CASE(cancelled_reader_leaves_the_writer_waiting)
{
    int fds[2];
    ok(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds));
    char block[4096] = { 0 };
    while (write(fds[0], block, sizeof block) > 0)
        ;
    await_task_auto in = async_create_task(waits(fds[0], POLLIN, "in"));
    await_task_auto out = async_create_task(waits(fds[0], POLLOUT, "out"));
    ok(await_sleep(0));
    async_task_cancel(out);
    is(await_task(out), -ECANCELED);
    put(fds[1]);
    is(await_task(in), POLLIN);
    ok(async_fd_close(fds[0]));
    return async_fd_close(fds[1]);
}

CASE(close_wakes_the_waiter_with_epipe)
{
    open_pipe();
    await_task_auto in = async_create_task(waits(pipe_fds[0], POLLIN, "in"));
    ok(await_sleep(0));
    ok(async_fd_close(pipe_fds[0]));
    is(await_task(in), -EPIPE);
    is(await_fd_ready(pipe_fds[0], POLLIN), -EBADF);
    return async_fd_close(pipe_fds[1]);
}

/* Closed, and the number used again at once: the new owner's events are its own. */
CASE(number_that_is_used_again_is_a_new_descriptor)
{
    open_pipe();
    int old = pipe_fds[0], writer = pipe_fds[1];
    await_task_auto in = async_create_task(waits(old, POLLIN, "old"));
    ok(await_sleep(0));
    put(writer); /* ready, but the loop has not polled since */
    ok(async_fd_close(old));
    open_pipe();
    is(pipe_fds[0], old);
    await_task_auto again = async_create_task(waits(old, POLLIN, "new"));
    is(await_task(in), -EPIPE);
    ok(await_sleep(1));
    is_false(async_task_done(again));
    put(pipe_fds[1]);
    is(await_task(again), POLLIN);
    is_trail("old=-EPIPE new=1");
    close(writer);
    close(pipe_fds[1]);
    return async_fd_close(old);
}

/* Its owner closes it by close(), between two waits: nothing is assumed. */
CASE(descriptor_closed_without_the_loop_is_registered_again)
{
    for (int i = 0; i < 3; i++) {
        open_pipe();
        await_task_auto t = async_create_task(waits(pipe_fds[0], POLLIN, "in"));
        ok(await_sleep(0));
        put(pipe_fds[1]);
        is(await_task(t), POLLIN);
        close(pipe_fds[0]);
        close(pipe_fds[1]);
    }
    return 0;
}

CASE(regular_file_is_always_ready)
{
    int fd = memfd_create("file", MFD_CLOEXEC);
    is(await_fd_ready(fd, POLLIN), POLLIN);
    async_watch w;
    is(async_watch_start(&w, fd, POLLIN, NULL, NULL), -EPERM);
    async_watch_stop(&w);
    return async_fd_close(fd);
}

ASYNC_DEF(waits_twice, (int)fd)
{
    int first = await_fd_ready(fd, POLLIN), second = await_sleep(0);
    note("%s %s", shown(first), shown(second));
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
    is_true(async_task_cancel(h->prey));
}

/* Both descriptors become ready in one poll: whichever is told first, the waiter is not stranded;
 * if it was woken before the cancel it returns its success, for it takes nothing from others. */
static void hunt(bool prey_first)
{
    int other[2];
    struct hunt h = { 0 };
    forget_trail();
    open_pipe();
    ok(pipe2(other, O_CLOEXEC | O_NONBLOCK));
    await_task_auto t = async_create_task(waits_twice(pipe_fds[0]));
    h.prey = t;
    ok(async_watch_start(&h.watch, other[0], POLLIN, cancels, &h));
    ok(await_sleep(0));
    put(prey_first ? pipe_fds[1] : other[1]);
    put(prey_first ? other[1] : pipe_fds[1]);
    ok(await_task(t));
    is_trail(prey_first ? "1 -ECANCELED" : "-ECANCELED -ECANCELED");
    for (int i = 0; i < 2; i++) {
        close(other[i]);
        ok(async_fd_close(pipe_fds[i]));
    }
}

CASE(wait_that_succeeded_before_the_cancel_returns_success)
{
    hunt(true);
    return 0;
}

CASE(wait_that_was_cancelled_first_returns_the_cancel)
{
    hunt(false);
    return 0;
}

CASE(many_descriptors_are_waited_for_at_once)
{
    enum { N = 100 };
    static int fds[N][2];
    static async_task *tasks[N];
    for (int i = 0; i < N; i++) {
        ok(pipe2(fds[i], O_CLOEXEC | O_NONBLOCK));
        tasks[i] = async_create_task(waits(fds[i][0], POLLIN, ""));
    }
    ok(await_sleep(0));
    for (int i = N; i-- > 0;)
        put(fds[i][1]);
    for (int i = 0; i < N; i++) {
        is(await_task(tasks[i]), POLLIN);
        await_task_drop(&tasks[i]);
        ok(async_fd_close(fds[i][0]));
        ok(async_fd_close(fds[i][1]));
    }
    return 0;
}

START_TEST(wait_outside_of_a_loop_is_refused)
{
    async_watch w;
    ears_open();
    is(await_fd_ready(0, POLLIN), -EPERM);
    has_text(heard(), "await_fd_ready() outside of a task");
    is(async_watch_start(&w, 0, POLLIN, NULL, NULL), -EPERM);
    has_text(heard(), "without a loop");
    async_watch_stop(&w);
    ears_close();
    open_pipe();
    ok(async_fd_close(pipe_fds[0]));
    is(async_fd_close(pipe_fds[0]), -EBADF);
    close(pipe_fds[1]);
}
END_TEST

/* Waiting for urgent data goes on when another task comes to wait on the other side. */
CASE(urgent_data_wakes_its_waiter_while_another_task_waits_to_write)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof a;
    char block[4096] = { 0 };
    int l = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ok(bind(l, (struct sockaddr *)&a, sizeof a));
    ok(listen(l, 1));
    ok(getsockname(l, (struct sockaddr *)&a, &size));
    int peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ok(connect(peer, (struct sockaddr *)&a, sizeof a));
    int fd = accept4(l, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    while (write(fd, block, sizeof block) > 0)
        ;
    await_task_auto urgent = async_create_task(waits(fd, POLLPRI, "urgent"));
    ok(await_sleep(0));
    await_task_auto out = async_create_task(waits(fd, POLLOUT, "out"));
    ok(await_sleep(0));
    is(send(peer, "!", 1, MSG_OOB), 1);
    int r = 0;
    await_timeout (r, 60)
        r = await_task(urgent);
    is(r, POLLPRI);
    is_false(async_task_done(out));
    ok(async_fd_close(fd));
    is(await_task(out), -EPIPE);
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
