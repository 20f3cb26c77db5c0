/* SPDX-License-Identifier: MIT */
/* Servers and connections, by numeric addresses and "localhost". */
#include "server.h"

#include <asyncio/testing.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>

#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#else
#define RUNNING_ON_VALGRIND 0
#endif

static const double moment = 0.005;

REAL(server_serves_until_it_is_cancelled)
{
    struct server v = { .handler = echo };
    await_task_auto t = async_create_task(server(&v));
    expect_ok(await_event_wait(&v.serving));
    expect_true(v.port > 0);
    expect_ok(await_gather(NULL, asks("127.0.0.1", v.port, "a"), asks("127.0.0.1", v.port, "b"),
                           asks("127.0.0.1", v.port, "c")));
    async_task_cancel(t);
    expect_int(await_task(t), -ECANCELED);
    expect_int(await_asks("127.0.0.1", v.port, "a"), -ECONNREFUSED);
    return 0;
}

/* Both addresses, one port. */
REAL(localhost_serves_and_connects_by_both_families)
{
    struct server v = { .handler = echo, .host = "localhost" };
    await_task_auto t = async_create_task(server(&v));
    expect_ok(await_event_wait(&v.serving));
    expect_ok(await_asks("127.0.0.1", v.port, "four"));
    int r = await_asks("::1", v.port, "six");
    expect_true(r == 0 || r == -EADDRNOTAVAIL || r == -EAFNOSUPPORT); /* a machine without IPv6 */
    expect_ok(await_asks("LocalHost", v.port, "both"));
    expect_ok(await_asks("", v.port, "this machine"));
    return 0;
}

/* No server listens on the first address. */
REAL(connection_tries_the_next_address_when_one_refuses)
{
    struct server v = { .handler = echo };
    await_task_auto t = async_create_task(server(&v));
    expect_ok(await_event_wait(&v.serving));
    return await_asks("localhost", v.port, "hello"); /* when: see inside-net, in virtual time */
}

REAL(connection_that_cannot_be_made_fails_with_a_message)
{
    async_stream *s = (async_stream *)event_log;
    int port = 0, fd = plain_listen(&port, 1);
    expect_ok(close(fd));
    expect_int(await_open_connection("127.0.0.1", text_of(port), &s), -ECONNREFUSED);
    expect_contains(async_fail_text(-ECONNREFUSED), "127.0.0.1:");
    expect_contains(async_fail_text(-ECONNREFUSED), "refused");
    expect_int(await_open_connection("localhost", text_of(port), &s), -ECONNREFUSED);
    expect_contains(async_fail_text(-ECONNREFUSED), "[::1]:"); /* every attempt */
    expect_contains(async_fail_text(-ECONNREFUSED), "; 127.0.0.1:");
    expect_int(await_open_connection("127.0.0.1", "65536", &s), -EINVAL);
    expect_int(await_open_connection("127.0.0.1", "80x", &s), -EINVAL);
    expect_int(await_open_connection("127.0.0.1", "", &s), -EINVAL);
    expect_int(await_open_connection("127.0.0.1", NULL, &s), -EINVAL);
    expect_int(await_open_connection("unix:", NULL, &s), -EINVAL);
    expect_int(await_open_connection("/nowhere/at/all", NULL, &s), -ENOENT);
    expect_true(s == (async_stream *)event_log);
    return 0;
}

ASYNC_DEF(connects, (const char *)host, (int)port, (async_stream **)s)
{
    return await_open_connection(host, text_of(port), s);
}

/* A queue that is full does not answer: cancelled, nothing is left. */
REAL(cancelled_connection_leaves_no_descriptor)
{
    int port = 0, fd = plain_listen(&port, 0), full[8], n = 0;
    for (; n < 8; n++) {
        struct sockaddr_in a = loopback(port);
        full[n] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        expect_true(connect(full[n], (struct sockaddr *)&a, sizeof a) == 0 || errno == EINPROGRESS);
    }
    async_stream *s = NULL;
    int next = dup(fd);
    expect_ok(close(next));
    expect_int(await_wait_for(connects("127.0.0.1", port, &s), 0.05), -ETIMEDOUT);
    expect_true(!s);
    int now = dup(fd);
    expect_int(now, next); /* every number is free again */
    expect_ok(close(now));
    while (n > 0)
        expect_ok(close(full[--n]));
    return close(fd);
}

REAL(server_that_cannot_listen_fails_with_a_message)
{
    int port = 0, fd = plain_listen(&port, 1);
    expect_int(await_serve("127.0.0.1", text_of(port), echo), -EADDRINUSE);
    expect_contains(async_fail_text(-EADDRINUSE), "127.0.0.1:");
    expect_int(await_serve("192.0.2.1", "0", echo), -EADDRNOTAVAIL);
    expect_int(await_serve("127.0.0.1", "no number, no service", echo), -EINVAL);
    return close(fd);
}

ASYNC_DEF(fails, (async_stream *)s)
{
    char buf[16];
    ASYNC_TRY(await_stream_readline(s, buf, sizeof buf));
    return buf[0] == 'x' ? async_fail(-EPROTO, "not a word: %c", buf[0])
                         : await_stream_write(s, buf, 2);
}

REAL(failing_handler_ends_its_own_connection_only)
{
    char c;
    struct server v = { .handler = fails };
    await_task_auto t = async_create_task(server(&v));
    expect_ok(await_event_wait(&v.serving));
    int other = plain_connect(v.port), bad = plain_connect(v.port), gone = plain_connect(v.port);
    say(bad, "x\n");
    reset(gone);
    expect_ok(await_fd_ready(bad, POLLIN) > 0 ? 0 : -1);
    expect_int(read(bad, &c, 1), 0); /* its connection has ended */
    const char *said = captured_stderr();
    expect_contains(said, "fails-4: Protocol error: not a word: x");
    expect_contains(said, "test_serve.c");
    expect_true(!strstr(said, "reset")); /* a peer that goes is no failure */
    expect_ok(close(bad));
    say(other, "o\n"); /* the others go on */
    expect_true(await_fd_ready(other, POLLIN) > 0);
    expect_int(read(other, &c, 1), 1);
    expect_ok(await_sleep(moment));
    expect_text(captured_stderr(), "");
    return close(other);
}

static int alive, most_alive, served;

ASYNC_DEF(lives, (async_stream *)s)
{
    char c;
    int r = 0;
    served++;
    if (++alive > most_alive)
        most_alive = alive;
    r = (int)await_stream_read(s, &c, 1);
    await_shield (r) /* cleanup is waited for */
        r = await_sleep(moment);
    alive--;
    return r;
}

/* With connections in every state: served, accepted a moment ago, in the queue. */
REAL(cancelled_server_closes_connections_in_every_state)
{
    for (int waits = 0; waits < 3; waits++) {
        char c;
        int peers[20];
        struct server v = { .handler = lives };
        await_task_auto t = async_create_task(server(&v));
        expect_ok(await_event_wait(&v.serving));
        for (int i = 0; i < 10; i++)
            peers[i] = plain_connect(v.port);
        for (int i = 0; i < waits; i++)
            expect_ok(await_sleep(i * moment));
        for (int i = 10; i < 20; i++)
            peers[i] = plain_connect(v.port);
        async_task_cancel(t);
        expect_int(await_task(t), -ECANCELED);
        expect_int(alive, 0);
        for (int i = 0; i < 20; i++) {
            expect_true(recv(peers[i], &c, 1, 0) <= 0); /* closed, each of them */
            expect_ok(close(peers[i]));
        }
    }
    return 0;
}

/* More than the limit wait their turn. */
REAL(connections_beyond_the_limit_wait)
{
    int peers[6];
    struct server v = { .handler = lives, .opts = { .limit = 2 } };
    await_task_auto t = async_create_task(server(&v));
    expect_ok(await_event_wait(&v.serving));
    for (int i = 0; i < 6; i++)
        peers[i] = plain_connect(v.port);
    for (int i = 0; i < 6; i++) {
        while (served < (i < 5 ? i + 2 : 6)) /* a place is free: the next one comes in */
            expect_ok(await_sleep(moment));
        expect_ok(await_sleep(4 * moment)); /* and only that one */
        expect_int(served, i < 5 ? i + 2 : 6);
        expect_ok(close(peers[i]));
    }
    while (alive > 0)
        expect_ok(await_sleep(moment));
    expect_int(most_alive, 2);
    return 0;
}

/* A child process: all the clients at once, each with one byte. */
static pid_t many_clients(int port, int n)
{
    pid_t child = fork();
    if (child)
        return child;
    int fds[512];
    char c;
    alarm(20);
    for (int i = 0; i < n; i++)
        fds[i] = plain_connect(port);
    for (int i = 0; i < n; i++)
        say(fds[i], "e");
    for (int i = 0; i < n; i++) {
        if (read(fds[i], &c, 1) != 1)
            _exit(1);
        close(fds[i]);
    }
    _exit(0);
}

REAL(server_without_descriptors_warns_once_and_goes_on)
{
    if (RUNNING_ON_VALGRIND) /* its limit is its own: it accepts, then closes */
        return 0;
    struct server v = { .handler = echo, .opts = { .backlog = 512 } };
    await_task_auto t = async_create_task(server(&v));
    expect_ok(await_event_wait(&v.serving));
    pid_t child = many_clients(v.port, 200);
    int next = dup(0), status = 0;
    struct rlimit before, low;
    expect_ok(getrlimit(RLIMIT_NOFILE, &before));
    low = (struct rlimit){ .rlim_cur = (rlim_t)next + 20, .rlim_max = before.rlim_max };
    expect_ok(close(next));
    expect_ok(setrlimit(RLIMIT_NOFILE, &low));
    while (waitpid(child, &status, WNOHANG) == 0)
        expect_ok(await_sleep(moment));
    expect_ok(setrlimit(RLIMIT_NOFILE, &before));
    expect_int(status, 0);
    const char *said = captured_stderr();
    expect_contains(said, "Too many open files");
    expect_true(!strchr(said, '\n')[1]); /* once */
    expect_ok(await_asks("127.0.0.1", v.port, "still there"));
    return 0;
}

/* The sockets of both ends. Their numbers are not known, so look at all descriptors. */
REAL(sockets_have_no_delay_and_are_closed_by_exec)
{
    int found = 0;
    struct server v = { .handler = lives };
    await_task_auto t = async_create_task(server(&v));
    expect_ok(await_event_wait(&v.serving));
    async_stream_auto s = NULL;
    expect_ok(await_open_connection("127.0.0.1", text_of(v.port), &s));
    expect_ok(await_sleep(moment));
    for (int i = 3; i < 200; i++) {
        struct sockaddr_storage a;
        int on = 0;
        socklen_t len = sizeof on, size = sizeof a;
        if (getpeername(i, (struct sockaddr *)&a, &size) == 0 && a.ss_family == AF_INET) {
            expect_ok(getsockopt(i, IPPROTO_TCP, TCP_NODELAY, &on, &len));
            expect_true(on);
            expect_true(fcntl(i, F_GETFD) & FD_CLOEXEC);
            found++;
        }
    }
    expect_int(found, 2);
    return 0;
}

/* --- .arg --- */

ASYNC_DEF(counts, (async_stream *)s)
{
    int *counter = async_serve_arg(s);
    ++*counter;
    return await_stream_write(s, "x", 1);
}

REAL(handler_reads_the_argument_of_its_server)
{
    int n[2] = { 0, 0 };
    char c;
    struct server v[2] = { { .handler = counts, .opts = { .arg = &n[0] } },
                           { .handler = counts, .opts = { .arg = &n[1] } } };
    await_task_auto t = NULL;
    await_task_auto u = NULL;
    expect_ok(await_started(&v[0], &t));
    expect_ok(await_started(&v[1], &u));
    for (int i = 0; i < 3; i++) {
        async_stream_auto s = NULL;
        expect_ok(await_open_connection("127.0.0.1", text_of(v[i > 0].port), &s));
        expect_int(await_stream_read(s, &c, 1), 1);
        expect_true(!async_serve_arg(s)); /* not a server's */
    }
    expect_int(n[0], 1);
    expect_int(n[1], 2);
    return 0;
}

/* --- .layer --- */

/* A layer that exchanges a byte with its peer, and inverts all bytes that come after it. */
static struct handshake {
    async_stream_layer layer;
    int opened, failed, finished;
} handshake;

static ssize_t inverted_read(async_stream *s, void *buf, size_t size);
static ssize_t inverted_write(async_stream *s, const void *buf, size_t size);
static int inverted_finish(async_stream *s);
static void inverted_close(async_stream *s);
static void inverted_free(async_stream *s);

static const struct async_stream_ops inverted_ops = { .read = inverted_read,
                                                      .write = inverted_write,
                                                      .finish = inverted_finish,
                                                      .close = inverted_close,
                                                      .free = inverted_free };

static async_stream *inner_of(async_stream *s)
{
    return async_stream_self(s, &inverted_ops);
}

static ssize_t inverted_read(async_stream *s, void *buf, size_t size)
{
    ssize_t n = await_stream_read(inner_of(s), buf, size);
    for (ssize_t i = 0; i < n; i++)
        ((char *)buf)[i] = (char)~((char *)buf)[i];
    return n;
}

static ssize_t inverted_write(async_stream *s, const void *buf, size_t size)
{
    (void)size;
    return await_stream_write_some(inner_of(s), &(const char){ (char)~*(const char *)buf }, 1);
}

static int inverted_finish(async_stream *s)
{
    handshake.finished++;
    return await_stream_write(inner_of(s), ".", 1);
}

static void inverted_close(async_stream *s)
{
    async_stream_close(inner_of(s));
}

static void inverted_free(async_stream *s)
{
    async_stream *inner = inner_of(s);
    async_stream_drop(&inner);
}

static int shake_hands(async_stream *inner, const char *host)
{
    char mine = host ? 'c' : 's', theirs;
    ASYNC_TRY(await_stream_write(inner, &mine, 1));
    ASYNC_TRY(await_stream_readexactly(inner, &theirs, 1, NULL));
    return theirs == (host ? 's' : 'c') ? 0 : async_fail(-EPROTO, "not our protocol");
}

static int handshake_open(const async_stream_layer *layer, async_stream *inner, const char *host,
                          async_stream **ret)
{
    expect_true(layer == &handshake.layer);
    expect_true(!host || !strcmp(host, "127.0.0.1"));
    int r = shake_hands(inner, host);
    if (r == 0)
        r = async_stream_new(&inverted_ops, inner, ret);
    if (r < 0)
        async_stream_drop(&inner);
    *(r < 0 ? &handshake.failed : &handshake.opened) += 1;
    return r;
}

REAL(layer_is_put_on_both_ends_of_a_connection_and_finished_after_the_handler)
{
    char buf[8], c;
    handshake.layer.open = handshake_open;
    struct server v = { .handler = counts,
                        .opts = { .arg = &(int){ 0 }, .layer = &handshake.layer } };
    await_task_auto t = NULL;
    expect_ok(await_started(&v, &t));
    async_stream_auto s = NULL;
    expect_ok(await_open_connection("127.0.0.1", text_of(v.port), &s, .layer = &handshake.layer));
    expect_int(handshake.opened, 2);
    expect_int(await_stream_readexactly(s, buf, 2, NULL),
               2); /* what the handler has written, and the farewell */
    expect_int(buf[0], 'x');
    expect_int(buf[1], (char)~'.');
    expect_int(handshake.finished, 1);

    /* a client that is no party to it */
    int fd = plain_connect(v.port);
    say(fd, "GET / HTTP/1.0\r\n\r\n");
    while (!handshake.failed)
        expect_ok(await_sleep(0.001));
    expect_contains(captured_stderr(), "not our protocol");
    expect_int(read(fd, &c, 1), 1);
    expect_true(read(fd, &c, 1) <= 0);
    expect_ok(close(fd));
    fd = plain_connect(v.port);
    expect_ok(close(fd));
    while (handshake.failed < 2)
        expect_ok(await_sleep(0.001));
    expect_ok(await_sleep(moment));
    expect_text(captured_stderr(), ""); /* it has ended as connections end */
    expect_int(handshake.opened, 2);
    return 0;
}

/* Each side's peer is the other side. */
static struct {
    char peer[ASYNC_ADDRESS_MAX], own[ASYNC_ADDRESS_MAX];
} accepted;

ASYNC_DEF(reads_names, (async_stream *)s)
{
    expect_true(async_stream_peername(s, accepted.peer, sizeof accepted.peer) > 0);
    expect_true(async_stream_sockname(s, accepted.own, sizeof accepted.own) > 0);
    return await_stream_write(s, "x", 1);
}

LOOP_TEST(names_of_a_connection_are_the_same_at_both_ends)
{
    char peer[ASYNC_ADDRESS_MAX], own[ASYNC_ADDRESS_MAX], wanted[ASYNC_ADDRESS_MAX], c;
    struct server v = { .handler = reads_names };
    await_task_auto t = NULL;
    async_stream_auto s = NULL;
    expect_ok(await_started(&v, &t));
    expect_ok(await_open_connection("127.0.0.1", text_of(v.port), &s));
    expect_int((int)await_stream_readexactly(s, &c, 1, NULL), 1);
    int length = snprintf(wanted, sizeof wanted, "127.0.0.1:%d", v.port);
    expect_int(async_stream_peername(s, peer, sizeof peer), length);
    expect_true(async_stream_sockname(s, own, sizeof own) > 0);
    expect_text(peer, wanted);
    expect_text(accepted.own, peer);
    expect_text(accepted.peer, own);
    return 0;
}

LOOP_TEST(name_that_cannot_be_read_is_an_error_and_writes_nothing)
{
    char name[ASYNC_ADDRESS_MAX] = "before";
    struct server v = { .handler = echo };
    await_task_auto t = NULL;
    async_stream_auto s = NULL;
    async_stream_auto a = NULL;
    async_stream_auto b = NULL;
    expect_ok(await_started(&v, &t));
    expect_ok(await_open_connection("127.0.0.1", text_of(v.port), &s));
    expect_int(async_stream_peername(s, name, 9), -ENOBUFS);
    async_stream_close(s);
    expect_int(async_stream_peername(s, name, sizeof name), -EPIPE);
    expect_int(async_stream_sockname(s, name, sizeof name), -EPIPE);
    expect_int(async_stream_sockname(NULL, name, sizeof name), -EINVAL);
    expect_ok(async_stream_pair(&a, &b));
    expect_int(async_stream_peername(a, name, sizeof name), -ENOTSOCK);
    expect_contains(async_fail_text(-ENOTSOCK), "no socket");
    expect_text(name, "before");
    return 0;
}

SUITE("serve", server_serves_until_it_is_cancelled, localhost_serves_and_connects_by_both_families,
      connection_tries_the_next_address_when_one_refuses,
      connection_that_cannot_be_made_fails_with_a_message,
      cancelled_connection_leaves_no_descriptor, server_that_cannot_listen_fails_with_a_message,
      failing_handler_ends_its_own_connection_only,
      cancelled_server_closes_connections_in_every_state, connections_beyond_the_limit_wait,
      server_without_descriptors_warns_once_and_goes_on,
      sockets_have_no_delay_and_are_closed_by_exec, handler_reads_the_argument_of_its_server,
      names_of_a_connection_are_the_same_at_both_ends,
      name_that_cannot_be_read_is_an_error_and_writes_nothing,
      layer_is_put_on_both_ends_of_a_connection_and_finished_after_the_handler)
