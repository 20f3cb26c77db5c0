/* SPDX-License-Identifier: MIT */
/* Streams of other descriptors than TCP's, and of a kernel that gives less than there is. */
#include "../core/net.h"

#include <poll.h>
#include <signal.h>

#include "base/sys.h"
#include "io/stream_fd.h"

static async_stream *stream_of(int fd, const struct async_stream_ops *ops)
{
    async_stream *s;
    expect_ok(async__poller_add_owned(&async__loop->poller, fd));
    expect_ok(async__stream_of_fd(ops, fd, &s));
    return s;
}

ASYNC_DEF(reads_some, (async_stream *)s, (char *)buf, (size_t)size)
{
    return (int)await_stream_read(s, buf, size);
}

ASYNC_DEF(reads, (async_stream *)s, (char *)buf, (size_t)size)
{
    return (int)await_stream_readexactly(s, buf, size, NULL);
}

REAL(pipe_is_read_and_written_as_a_stream)
{
    int fds[2];
    char c, *much = calloc(1, 1 << 20), *got = malloc(1 << 20);
    expect_ok(pipe2(fds, O_CLOEXEC | O_NONBLOCK));
    async_stream_auto in = stream_of(fds[0], &async__pipe_ops);
    async_stream_auto out = stream_of(fds[1], &async__pipe_ops);
    await_task_auto t = async_create_task(reads(in, got, 1 << 20));
    expect_ok(await_stream_write(out, much, 1 << 20));
    expect_int(await_task(t), 1 << 20);
    expect_ok(async_stream_write_eof(out)); /* the end of a pipe that is written is its end */
    expect_int(await_stream_read(in, &c, 1), 0);

    expect_ok(pipe2(fds, O_CLOEXEC | O_NONBLOCK));
    async_stream_auto lost = stream_of(fds[1], &async__pipe_ops);
    expect_ok(close(fds[0]));
    expect_int(await_stream_write(lost, "x", 1), -EPIPE); /* no signal... */
    sigset_t now;
    expect_ok(sigpending(&now));
    expect_int(sigismember(&now, SIGPIPE), 0); /* ...and none left behind */
    expect_ok(pthread_sigmask(0, NULL, &now));
    expect_int(sigismember(&now, SIGPIPE), 0);
    free(much);
    free(got);
    return 0;
}

REAL(socket_pair_is_read_and_written_as_a_stream)
{
    int fds[2];
    char buf[8];
    expect_ok(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds));
    async_stream_auto a = stream_of(fds[0], &async__socket_ops);
    async_stream_auto b = stream_of(fds[1], &async__socket_ops);
    expect_ok(await_stream_printf(a, "hello %d\n", 1));
    expect_int(await_stream_readline(b, buf, sizeof buf), -ENOBUFS);
    expect_int(await_stream_readexactly(b, buf, 7, NULL), 7);
    expect_ok(async_stream_write_eof(a));
    expect_int(await_stream_readline(b, buf, sizeof buf), 1);
    expect_int(await_stream_readline(b, buf, sizeof buf), 0);
    expect_ok(await_stream_write(b, "x", 1));
    expect_int(await_stream_read(a, buf, 8), 1);
    return 0;
}

static void send_with_descriptor(int fd, const char *text)
{
    union {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = { 0 };
    struct iovec what = { (char *)(uintptr_t)text, strlen(text) };
    struct msghdr m = { .msg_iov = &what,
                        .msg_iovlen = 1,
                        .msg_control = &control,
                        .msg_controllen = sizeof control };
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(c), &(int){ 0 }, sizeof(int));
    expect_int(sendmsg(fd, &m, 0), (ssize_t)strlen(text));
}

/* Where a read stops though more is there: at descriptors that are passed, at urgent data. */
REAL(short_read_of_a_socket_is_not_the_end)
{
    int fds[2], peer;
    char buf[8];
    expect_ok(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds));
    async_stream_auto a = stream_of(fds[0], &async__socket_ops);
    await_task_auto t = async_create_task(reads_some(a, buf, sizeof buf));
    expect_ok(await_sleep(0.005));
    send_with_descriptor(fds[1], "ab");
    send_with_descriptor(fds[1], "cd");
    expect_int(await_task(t), 2);
    expect_int(await_stream_read(a, buf, sizeof buf), 2);
    expect_ok(memcmp(buf, "cd", 2));
    expect_ok(close(fds[1]));

    async_stream_auto b = NULL;
    expect_ok(await_pair(&b, &peer));
    await_task_auto u = async_create_task(reads_some(b, buf, sizeof buf));
    expect_ok(await_sleep(0.005));
    say(peer, "ab");
    expect_int(send(peer, "!", 1, MSG_OOB), 1);
    say(peer, "cd");
    expect_int(await_task(u), 2);
    expect_int(await_wait_for(reads_some(b, buf, sizeof buf), 1), 2);
    expect_ok(memcmp(buf, "cd", 2));
    return close(peer);
}

ASYNC_DEF(steals, (int)pipe, (int)fd, (async_task *)reader)
{
    char c;
    ASYNC_TRY(await_fd_ready(pipe, POLLIN));
    expect_int(recv(fd, &c, 1, MSG_DONTWAIT), 1);
    async_task_cancel(reader);
    return 0;
}

/* Woken, cancelled before it ran, and then there is nothing: it does not wait again. */
REAL(reader_that_was_woken_for_nothing_waits_again)
{
    int peer, fds[2];
    char c;
    async_stream_auto s = NULL;
    expect_ok(pipe2(fds, O_CLOEXEC));
    expect_ok(await_pair(&s, &peer));
    await_task_auto t = async_create_task(reads_some(s, &c, 1));
    await_task_auto thief = async_create_task(steals(fds[0], s->fd, t));
    expect_ok(await_sleep(0.005));
    expect_int(write(fds[1], "x", 1), 1);
    say(peer, "y");
    int r = 0;
    await_timeout (r, 5)
        r = await_task(t);
    expect_int(r, -ECANCELED);
    expect_ok(await_task(thief));
    expect_ok(close(fds[0]) + close(fds[1]));
    return close(peer);
}

/* A stream that waits for its peer keeps no buffer. */
REAL(idle_stream_has_no_buffer)
{
    int peer;
    char buf[64];
    async_stream_auto s = NULL;
    expect_ok(await_pair(&s, &peer));
    expect_true(!s->buf);
    say(peer, "one\ntwo");
    expect_int(await_stream_readline(s, buf, sizeof buf), 4);
    expect_true(s->buf);
    expect_int(await_stream_read(s, buf, sizeof buf), 3);
    expect_true(!s->buf);
    await_task_auto t = async_create_task(reads(s, buf, 8));
    expect_ok(await_sleep(0.005));
    expect_true(!s->buf);
    expect_true(sizeof *s <= 72); /* with malloc()'s own bytes no more than 80 */
    async_task_cancel(t);
    expect_int(await_task(t), -ECANCELED);
    return close(peer);
}

/* A read that gave less than it could says that nothing is left: the next one waits first. */
static int reads_made;

static ssize_t counted_read(int fd, void *buf, size_t size)
{
    reads_made++;
    return read(fd, buf, size);
}

REAL(no_read_is_made_in_vain)
{
    int peer;
    char c[8];
    async_stream_auto s = NULL;
    expect_ok(await_pair(&s, &peer));
    say(peer, "x");
    expect_int(await_stream_read(s, c, sizeof c), 1);
    async__sys.read = counted_read;
    for (int i = 0; i < 100; i++) {
        await_task_auto t = async_create_task(reads_some(s, c, sizeof c));
        expect_ok(await_sleep(0));
        say(peer, "x");
        expect_int(await_task(t), 1);
    }
    expect_true(reads_made <= 102);
    return close(peer);
}

/* The kernel has always room, and always bytes. */
static ssize_t endless_read(int fd, void *buf, size_t size)
{
    (void)fd, (void)buf;
    return (ssize_t)size;
}

static ssize_t endless_send(int fd, const void *buf, size_t size, int flags)
{
    (void)fd, (void)buf, (void)flags;
    return (ssize_t)(size < 1 << 20 ? size : 1 << 20);
}

static int turns;

ASYNC_DEF(takes_turns)
{
    for (;; turns++)
        ASYNC_TRY(await_sleep(0));
}

/* Some calls that move much count as many that move little. */
REAL(fast_peer_and_large_pieces_let_others_run)
{
    enum { PIECE = 1 << 20, PIECES = 40 };
    int peer;
    char *buf = malloc(PIECE * PIECES);
    async_stream_auto s = NULL;
    expect_ok(await_pair(&s, &peer));
    async__sys.send = endless_send;
    await_task_auto t = async_create_task(takes_turns());
    for (int i = 0; i < PIECES; i++)
        expect_ok(await_stream_write(s, buf, PIECE));
    expect_true(turns >= PIECES / 4);
    turns = 0;
    expect_ok(await_stream_write(s, buf, PIECE * PIECES));
    expect_true(turns >= PIECES / 4);
    turns = 0;
    async__sys.read = endless_read;
    for (int i = 0; i < PIECES; i++)
        expect_int(await_stream_read(s, buf, PIECE), PIECE);
    expect_true(turns >= PIECES / 4);
    async__sys.send = async__sys_kernel.send;
    async__sys.read = async__sys_kernel.read;
    free(buf);
    return close(peer);
}

SUITE("stream", pipe_is_read_and_written_as_a_stream, socket_pair_is_read_and_written_as_a_stream,
      short_read_of_a_socket_is_not_the_end, reader_that_was_woken_for_nothing_waits_again,
      idle_stream_has_no_buffer, no_read_is_made_in_vain, fast_peer_and_large_pieces_let_others_run)
