/* SPDX-License-Identifier: MIT */
/* Descriptors and connections: whatever is refused or cut off, everything is closed.
 *
 * Most run in virtual time, so that the pauses and timeouts of a run with a fault take a moment.
 * Those that look up names wait for a thread, which takes real time, and use the real clock. */
#include "scenario.h"

#include <asyncio/stream_ops.h>

#define LIMIT 10.0 /* seconds; much more than a run takes */

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

ASYNC_DEF(writes_a_byte, (int)fd)
{
    int r = await_sleep(0);
    return write(fd, "x", 1) == 1 ? r : -EIO;
}

SCENARIO(waiter_wakes_when_its_descriptor_becomes_ready)
{
    int fds[2], r;
    if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
        return -errno;
    await_task_auto t = async_create_task(writes_a_byte(fds[1]));
    await_timeout (r, t ? 0.5 : 0) /* it may be cancelled before it begins */
        r = await_fd_ready(fds[0], POLLIN);
    if (r == -ETIMEDOUT && !t)
        r = -ENOMEM;
    else if (async_task_result(t) == -ENOMEM)
        r = -ENOMEM;
    await_task_drop(&t);
    close(fds[1]);
    async_fd_close(fds[0]);
    return r < 0 ? r : 0;
}

ASYNC_DEF(waits_for, (int)fd, (int)events)
{
    int r = await_fd_ready(fd, events);
    return r < 0 ? r : 0;
}

SCENARIO(waiter_wakes_when_its_descriptor_is_closed)
{
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0)
        return -errno;
    await_task_auto t = async_create_task(waits_for(fds[0], POLLIN));
    int r = await_sleep(0);
    if (r == 0)
        r = await_fd_ready(fds[1], POLLOUT);
    async_fd_close(fds[0]);
    close(fds[1]);
    if (r < 0)
        return r;
    r = await_task(t);
    scenario_expect(r < 0);
    return r == -EPIPE || r == -EBADF ? 0 : r; /* -EBADF if it began to wait after that */
}

static void set_event(void *arg, int events)
{
    (void)events;
    async_event_set(arg);
}

SCENARIO(watch_calls_its_function_until_it_is_stopped)
{
    int fds[2], r;
    async_event e = { 0 };
    async_watch w;
    if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
        return -errno;
    r = async_watch_start(&w, fds[0], POLLIN, set_event, &e);
    if (r == 0) {
        async_ignore(write(fds[1], "x", 1));
        r = await_event_wait(&e);
        async_watch_stop(&w);
    }
    close(fds[0]);
    close(fds[1]);
    return r;
}

/* --- connections --- */

ASYNC_DEF(echo, (async_stream *)s)
{
    char buf[64];
    for (ssize_t n;;) {
        n = await_stream_read(s, buf, sizeof buf);
        if (n <= 0)
            return (int)n;
        ASYNC_TRY(await_stream_write(s, buf, (size_t)n));
    }
}

struct place {
    const char *host;
    const async_stream_layer *layer;
    int port;
    async_event serving; /* also set when the server has ended, even if it never began */
    int handlers;        /* how many have begun */
};

ASYNC_DEF(echoes, (async_stream *)s)
{
    struct place *p = async_serve_arg(s);
    p->handlers++;
    return await_echo(s);
}

ASYNC_DEF(serves, (struct place *)p)
{
    return await_serve(p->host, "0", echoes, .layer = p->layer, .arg = p, .ret_port = &p->port,
                       .serving = &p->serving);
}

static void server_ended(void *arg)
{
    struct place *p = arg;
    async_event_set(&p->serving);
}

ASYNC_DEF(asks, (struct place *)p)
{
    char text[16], got[8];
    async_stream_auto s = NULL;
    snprintf(text, sizeof text, "%d", p->port);
    ASYNC_TRY(await_open_connection(p->host, text, &s, .layer = p->layer));
    ssize_t n = await_stream_write(s, "hello", 5);
    if (n == 0)
        n = async_stream_write_eof(s);
    if (n == 0)
        n = await_stream_readexactly(s, got, 5, NULL);
    scenario_expect(n != 5 || !memcmp(got, "hello", 5));
    if (n == 5)
        n = await_stream_read(s, got, sizeof got);
    scenario_expect(n <= 0);
    ASYNC_TRY(await_stream_close(s));
    /* A server without memory closes the connection. */
    return n == -EPIPE || n == -ECONNRESET || n == -ENOTCONN ? 0 : (int)n;
}

/* Run the server until the clients have ended. Whatever it lacks, no client waits for ever. */
static int await_service(struct place *p, int clients)
{
    int r, inner = 0;
    double start = async_time();
    await_group (r, g) {
        async_task *server =
                async_group_create_task(g, serves(p), .owned = p, .drop = server_ended);
        await_timeout (inner, LIMIT) {
            inner = await_event_wait(&p->serving);
            for (int i = 0; i < clients && inner == 0 && !async_task_done(server); i++)
                inner = await_asks(p);
        }
        scenario_expect(async_time() - start < LIMIT);
        scenario_expect(p->handlers <= clients);
        if (async_task_done(server) && async_task_result(server) != -ECANCELED)
            inner = async_task_result(server);
        r = inner;
        async_group_cancel(g);
    }
    return r;
}

SCENARIO(client_is_served)
{
    struct place p = { .host = "127.0.0.1" };
    return await_service(&p, 1);
}

SCENARIO(three_clients_are_served)
{
    struct place p = { .host = "127.0.0.1" };
    return await_service(&p, 3);
}

SCENARIO(client_is_served_by_a_unix_socket)
{
    char path[64];
    snprintf(path, sizeof path, "/tmp/asyncio-sweep-%d", (int)getpid());
    struct place p = { .host = path };
    int r = await_service(&p, 1);
    unlink(path);
    return r;
}

/* --- a layer on top of each connection --- */

static ssize_t shifted_read(async_stream *s, void *buf, size_t size);
static ssize_t shifted_write(async_stream *s, const void *buf, size_t size);
static int shifted_write_eof(async_stream *s);
static int shifted_finish(async_stream *s);
static void shifted_close(async_stream *s);
static void shifted_free(async_stream *s);

/* A stream that changes each byte. TLS has the same shape. */
static const struct async_stream_ops shifted_ops = { .read = shifted_read,
                                                     .write = shifted_write,
                                                     .finish = shifted_finish,
                                                     .write_eof = shifted_write_eof,
                                                     .close = shifted_close,
                                                     .free = shifted_free };

static async_stream *inner_of(const async_stream *s)
{
    return async_stream_self(s, &shifted_ops);
}

static ssize_t shifted_read(async_stream *s, void *buf, size_t size)
{
    ssize_t n = await_stream_read(inner_of(s), buf, size);
    for (ssize_t i = 0; i < n; i++)
        ((char *)buf)[i]--;
    return n;
}

static ssize_t shifted_write(async_stream *s, const void *buf, size_t size)
{
    (void)size;
    return await_stream_write_some(inner_of(s), &(char){ (char)(*(const char *)buf + 1) }, 1);
}

static int shifted_write_eof(async_stream *s)
{
    return async_stream_write_eof(inner_of(s));
}

static int shifted_finish(async_stream *s)
{
    return await_stream_close(inner_of(s));
}

static void shifted_close(async_stream *s)
{
    async_stream_close(inner_of(s));
}

static void shifted_free(async_stream *s)
{
    async_stream *inner = inner_of(s);
    async_stream_drop(&inner);
}

/* Both sides send a byte, and wait for that of the other. */
static int shake_hands(async_stream *inner)
{
    char theirs;
    ASYNC_TRY(await_stream_write(inner, "!", 1));
    ASYNC_TRY(await_stream_readexactly(inner, &theirs, 1, NULL));
    scenario_expect(theirs == '!');
    return 0;
}

static int shifted_open(const async_stream_layer *layer, async_stream *inner, const char *host,
                        async_stream **ret)
{
    (void)layer, (void)host;
    int r = shake_hands(inner);
    if (r == 0)
        r = async_stream_new(&shifted_ops, inner, ret);
    if (r < 0)
        async_stream_drop(&inner);
    /* A server without memory closes the connection during the handshake. */
    return r == -ENODATA && host ? async_fail(-EPIPE, "no handshake") : r;
}

SCENARIO(client_is_served_through_a_layer)
{
    static const async_stream_layer layer = { .open = shifted_open };
    struct place p = { .host = "127.0.0.1", .layer = &layer };
    int r = await_service(&p, 1);
    return r == -EPIPE || r == -ECONNRESET ? 0 : r;
}

/* Not a numeric address to this library, but the resolver knows it without a network. */
#define NAME "127.1"

REAL_SCENARIO(clients_are_served_by_name)
{
    struct place p = { .host = NAME };
    return await_service(&p, 2);
}

SCENARIO(connection_is_refused_where_no_server_listens)
{
    async_stream_auto s = NULL;
    int r = await_open_connection("127.0.0.1", "1", &s);
    scenario_expect(r < 0);
    return r == -ECONNREFUSED ? 0 : r;
}

SCENARIO(connection_is_refused_within_its_timeout)
{
    int r;
    async_stream_auto s = NULL;
    await_timeout (r, 5)
        r = await_open_connection("localhost", "1", &s);
    scenario_expect(r < 0);
    return r == -ECONNREFUSED || r == -EADDRNOTAVAIL ? 0 : r;
}

REAL_SCENARIO(message_names_what_was_looked_up)
{
    for (int i = 0; i < 2; i++) {
        async_stream_auto s = NULL;
        int r = await_open_connection(NAME, i ? "1" : "no-such-service", &s);
        scenario_expect(r < 0);
        if (r != (i ? -ECONNREFUSED : -EINVAL))
            return r;
        const char *text = async_fail_text(r);
        scenario_expect(text && strstr(text, i ? "127.0.0.1" : "no-such-service"));
    }
    return 0;
}
