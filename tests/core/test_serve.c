/* SPDX-License-Identifier: MIT */
/* Servers and connections, by numeric addresses and "localhost". */
#include "net.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#else
#define RUNNING_ON_VALGRIND 0
#endif

static const double moment = 0.005;

ASYNC_DEF(echo, (async_stream *)s)
{
    char buf[1024];
    ssize_t n;
    while ((n = ASYNC_TRY(await_stream_read(s, buf, sizeof buf))) > 0)
        ASYNC_TRY(await_stream_write(s, buf, (size_t)n));
    return 0;
}

struct server {
    async_co (*handler)(async_stream *s);
    const char *host;
    struct async_net_opts opts;
    int port;
    async_event serving;
};

ASYNC_DEF(server, (struct server *)v)
{
    v->opts.ret_port = &v->port;
    v->opts.serving = &v->serving;
    return await_serve_opt(v->host ? v->host : "127.0.0.1", "0", v->handler, &v->opts);
}

/* A line there and back. */
ASYNC_DEF(asks, (const char *)host, (int)port, (const char *)text)
{
    char buf[256];
    async_stream_auto s = NULL;
    ASYNC_TRY(await_open_connection(host, text_of(port), &s));
    ASYNC_TRY(await_stream_printf(s, "%s\n", text));
    ASYNC_TRY(await_stream_readline(s, buf, sizeof buf));
    return strncmp(buf, text, strlen(text)) == 0 ? 0 : -EBADMSG;
}

REAL(there_and_back)
{
    struct server v = { .handler = echo };
    await_task_auto t = async_create_task(server(&v));
    ok(await_event_wait(&v.serving));
    is_true(v.port > 0);
    ok(await_gather(NULL, asks("127.0.0.1", v.port, "a"), asks("127.0.0.1", v.port, "b"),
                    asks("127.0.0.1", v.port, "c")));
    async_task_cancel(t);
    is(await_task(t), -ECANCELED);
    is(await_asks("127.0.0.1", v.port, "a"), -ECONNREFUSED);
    return 0;
}

/* Both addresses, one port. */
REAL(localhost_is_both)
{
    struct server v = { .handler = echo, .host = "localhost" };
    await_task_auto t = async_create_task(server(&v));
    ok(await_event_wait(&v.serving));
    ok(await_asks("127.0.0.1", v.port, "four"));
    int r = await_asks("::1", v.port, "six");
    is_true(r == 0 || r == -EADDRNOTAVAIL || r == -EAFNOSUPPORT); /* a machine without IPv6 */
    ok(await_asks("LocalHost", v.port, "both"));
    ok(await_asks("", v.port, "this machine"));
    return 0;
}

/* Nobody listens on the first address. */
REAL(the_second_address)
{
    struct server v = { .handler = echo };
    await_task_auto t = async_create_task(server(&v));
    ok(await_event_wait(&v.serving));
    return await_asks("localhost", v.port, "hello"); /* when: see inside-net, in virtual time */
}

REAL(errors_of_connections)
{
    async_stream *s = (async_stream *)trail;
    int port = 0, fd = plain_listen(&port, 1);
    ok(close(fd));
    is(await_open_connection("127.0.0.1", text_of(port), &s), -ECONNREFUSED);
    has_text(async_fail_text(-ECONNREFUSED), "127.0.0.1:");
    has_text(async_fail_text(-ECONNREFUSED), "refused");
    is(await_open_connection("localhost", text_of(port), &s), -ECONNREFUSED);
    has_text(async_fail_text(-ECONNREFUSED), "[::1]:"); /* every attempt */
    has_text(async_fail_text(-ECONNREFUSED), "; 127.0.0.1:");
    is(await_open_connection("127.0.0.1", "65536", &s), -EINVAL);
    is(await_open_connection("127.0.0.1", "80x", &s), -EINVAL);
    is(await_open_connection("127.0.0.1", "", &s), -EINVAL);
    is(await_open_connection("127.0.0.1", NULL, &s), -EINVAL);
    is(await_open_connection("127.0.0.1", "1", &s, .tls = true), -ENOTSUP);
    has_text(async_fail_text(-ENOTSUP), "TLS");
    is(await_open_connection("unix:", NULL, &s), -EINVAL);
    is(await_open_connection("/nowhere/at/all", NULL, &s), -ENOENT);
    is_true(s == (async_stream *)trail);
    return 0;
}

ASYNC_DEF(connects, (const char *)host, (int)port, (async_stream **)s)
{
    return await_open_connection(host, text_of(port), s);
}

/* A queue that is full does not answer: cancelled, nothing is left. */
REAL(cancelled_connections)
{
    int port = 0, fd = plain_listen(&port, 0), full[8], n = 0;
    for (; n < 8; n++) {
        struct sockaddr_in a = loopback(port);
        full[n] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        ck_assert(connect(full[n], (struct sockaddr *)&a, sizeof a) == 0 || errno == EINPROGRESS);
    }
    async_stream *s = NULL;
    int next = dup(fd);
    ok(close(next));
    is(await_wait_for(connects("127.0.0.1", port, &s), 0.05), -ETIMEDOUT);
    is_true(!s);
    int now = dup(fd);
    is(now, next); /* every number is free again */
    ok(close(now));
    while (n > 0)
        ok(close(full[--n]));
    return close(fd);
}

REAL(errors_of_servers)
{
    int port = 0, fd = plain_listen(&port, 1);
    is(await_serve("127.0.0.1", text_of(port), echo), -EADDRINUSE);
    has_text(async_fail_text(-EADDRINUSE), "127.0.0.1:");
    is(await_serve("127.0.0.1", "1", echo, .tls = true), -ENOTSUP);
    is(await_serve("192.0.2.1", "0", echo), -EADDRNOTAVAIL);
    is(await_serve("127.0.0.1", "no number, no service", echo), -EINVAL);
    return close(fd);
}

ASYNC_DEF(fails, (async_stream *)s)
{
    char buf[16];
    ASYNC_TRY(await_stream_readline(s, buf, sizeof buf));
    return buf[0] == 'x' ? async_fail(-EPROTO, "not a word: %c", buf[0])
                         : await_stream_write(s, buf, 2);
}

REAL(a_failing_handler)
{
    char c;
    struct server v = { .handler = fails };
    await_task_auto t = async_create_task(server(&v));
    ok(await_event_wait(&v.serving));
    int other = plain_connect(v.port), bad = plain_connect(v.port), gone = plain_connect(v.port);
    say(bad, "x\n");
    reset(gone);
    ok(await_fd_ready(bad, POLLIN) > 0 ? 0 : -1);
    is(read(bad, &c, 1), 0); /* its connection has ended */
    const char *said = heard();
    has_text(said, "fails-4: Protocol error: not a word: x");
    has_text(said, "test_serve.c");
    is_true(!strstr(said, "reset")); /* a peer that goes is no failure */
    ok(close(bad));
    say(other, "o\n"); /* the others go on */
    is_true(await_fd_ready(other, POLLIN) > 0);
    is(read(other, &c, 1), 1);
    ok(await_sleep(moment));
    is_text(heard(), "");
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
REAL(cancelled_with_connections)
{
    for (int waits = 0; waits < 3; waits++) {
        char c;
        int peers[20];
        struct server v = { .handler = lives };
        await_task_auto t = async_create_task(server(&v));
        ok(await_event_wait(&v.serving));
        for (int i = 0; i < 10; i++)
            peers[i] = plain_connect(v.port);
        for (int i = 0; i < waits; i++)
            ok(await_sleep(i * moment));
        for (int i = 10; i < 20; i++)
            peers[i] = plain_connect(v.port);
        async_task_cancel(t);
        is(await_task(t), -ECANCELED);
        is(alive, 0);
        for (int i = 0; i < 20; i++) {
            is_true(recv(peers[i], &c, 1, 0) <= 0); /* closed, each of them */
            ok(close(peers[i]));
        }
    }
    return 0;
}

/* More than the limit wait their turn. */
REAL(limited)
{
    int peers[6];
    struct server v = { .handler = lives, .opts = { .limit = 2 } };
    await_task_auto t = async_create_task(server(&v));
    ok(await_event_wait(&v.serving));
    for (int i = 0; i < 6; i++)
        peers[i] = plain_connect(v.port);
    for (int i = 0; i < 6; i++) {
        while (served < (i < 5 ? i + 2 : 6)) /* a place is free: the next one comes in */
            ok(await_sleep(moment));
        ok(await_sleep(4 * moment)); /* and only that one */
        is(served, i < 5 ? i + 2 : 6);
        ok(close(peers[i]));
    }
    while (alive > 0)
        ok(await_sleep(moment));
    is(most_alive, 2);
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

REAL(more_clients_than_descriptors)
{
    if (RUNNING_ON_VALGRIND) /* its limit is its own: it accepts, then closes */
        return 0;
    struct server v = { .handler = echo, .opts = { .backlog = 512 } };
    await_task_auto t = async_create_task(server(&v));
    ok(await_event_wait(&v.serving));
    pid_t child = many_clients(v.port, 200);
    int next = dup(0), status = 0;
    struct rlimit before, low;
    ok(getrlimit(RLIMIT_NOFILE, &before));
    low = (struct rlimit){ .rlim_cur = (rlim_t)next + 20, .rlim_max = before.rlim_max };
    ok(close(next));
    ok(setrlimit(RLIMIT_NOFILE, &low));
    while (waitpid(child, &status, WNOHANG) == 0)
        ok(await_sleep(moment));
    ok(setrlimit(RLIMIT_NOFILE, &before));
    is(status, 0);
    const char *said = heard();
    has_text(said, "Too many open files");
    is_true(!strchr(said, '\n')[1]); /* once */
    ok(await_asks("127.0.0.1", v.port, "still there"));
    return 0;
}

/* Connected and accepted ones; the numbers are nobody's business, so look at all. */
REAL(no_delay_both_ways)
{
    int found = 0;
    struct server v = { .handler = lives };
    await_task_auto t = async_create_task(server(&v));
    ok(await_event_wait(&v.serving));
    async_stream_auto s = NULL;
    ok(await_open_connection("127.0.0.1", text_of(v.port), &s));
    ok(await_sleep(moment));
    for (int i = 3; i < 200; i++) {
        struct sockaddr_storage a;
        int on = 0;
        socklen_t len = sizeof on, size = sizeof a;
        if (getpeername(i, (struct sockaddr *)&a, &size) == 0 && a.ss_family == AF_INET) {
            ok(getsockopt(i, IPPROTO_TCP, TCP_NODELAY, &on, &len));
            is_true(on);
            is_true(fcntl(i, F_GETFD) & FD_CLOEXEC);
            found++;
        }
    }
    is(found, 2);
    return 0;
}

ASYNC_DEF(unix_server, (const char *)path, (async_event *)serving)
{
    return await_serve(path, NULL, echo, .serving = serving);
}

REAL(unix_sockets)
{
    char dir[] = "/tmp/asyncio-test-XXXXXX", path[64], named[80];
    ck_assert(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/socket", dir);
    snprintf(named, sizeof named, "unix:%s", path);
    async_event serving = { 0 };
    {
        await_task_auto t = async_create_task(unix_server(path, &serving));
        ok(await_event_wait(&serving));
        ok(await_asks(path, 0, "by path"));
        ok(await_asks(named, 0, "by name"));
        is(await_unix_server(path, NULL), -EADDRINUSE);
        ok(access(path, F_OK));
    }
    is(access(path, F_OK), -1); /* gone with its server */
    async_event_clear(&serving);
    {
        await_task_auto t = async_create_task(unix_server(path, &serving));
        ok(await_event_wait(&serving));
        ok(unlink(path)); /* its successor has the path already */
        ok(mknod(path, S_IFREG | 0600, 0));
    }
    ok(unlink(path));
    is(await_asks(path, 0, "gone"), -ENOENT);
    return rmdir(dir);
}

SUITE("serve", there_and_back, localhost_is_both, the_second_address, errors_of_connections,
      cancelled_connections, errors_of_servers, a_failing_handler, cancelled_with_connections,
      limited, more_clients_than_descriptors, no_delay_both_ways, unix_sockets)
