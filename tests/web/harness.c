/* SPDX-License-Identifier: MIT */
#include "harness.h"

#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* --- the loop's side --- */

static void set_done(void *client)
{
    async_event_set(&((struct client *)client)->done);
}

static void *client_main(void *client)
{
    struct client *c = client;
    c->fn(c->port, c->arg);
    async_ignore(async_call_soon_threadsafe(c->loop, set_done, c)); /* -EPIPE: nobody waits for us any more */
    return NULL;
}

void client_start(struct client *c, int port, client_fn *fn, void *arg)
{
    pthread_t thread;
    *c = (struct client){ .fn = fn, .arg = arg, .port = port, .loop = async_get_running_loop() };
    ck_assert_int_eq(pthread_create(&thread, NULL, client_main, c), 0);
    c->thread = thread;
}

int await_client(struct client *c)
{
    int r = await_event_wait(&c->done);
    if (r == 0)
        pthread_join(c->thread, NULL);
    return r;
}

struct served {
    const async_web_route *routes;
    struct async_web_opts opts;
    client_fn *client;
    void *arg;
};

ASYNC_DEF(serve_main, (struct served *)it)
{
    struct client c;
    async_web_server *s;
    int r = async_web_server_start_opt(it->routes, &s, &it->opts);
    ck_assert_msg(r == 0, "start: %s: %s", strerror(-r), async_fail_text(r));
    client_start(&c, async_web_server_port(s), it->client, it->arg);
    ASYNC_TRY(await_client(&c));
    return await_web_server_stop(s, 10 * SUITE_SECONDS); /* nobody is left who would need it */
}

void serve(const async_web_route *routes, struct async_web_opts opts, client_fn *client, void *arg)
{
    struct served it = { routes, opts, client, arg };
    ck_assert_int_eq(async_run(serve_main(&it)), 0);
}

/* --- the client's side --- */

double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void nap(double seconds)
{
    struct timespec t = { (time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9) };
    nanosleep(&t, NULL);
}

int dial_later(void)
{
    struct timeval limit = { .tv_sec = 10 };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    return fd;
}

void dial_now(int fd, int port)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_msg(connect(fd, (struct sockaddr *)&a, sizeof a) == 0, "connect: %s", strerror(errno));
}

int dial(int port)
{
    int fd = dial_later();
    dial_now(fd, port);
    return fd;
}

void put_bytes(int fd, const void *bytes, size_t size)
{
    const char *p = bytes;
    while (size) {
        ssize_t n = send(fd, p, size, MSG_NOSIGNAL);
        if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
            return; /* what the server said before is in the answer */
        ck_assert_msg(n > 0, "send: %s", strerror(errno));
        p += n;
        size -= (size_t)n;
    }
}

void put(int fd, const char *fmt, ...)
{
    char *text;
    va_list args;
    va_start(args, fmt);
    int n = vasprintf(&text, fmt, args);
    va_end(args);
    ck_assert_int_ge(n, 0);
    put_bytes(fd, text, (size_t)n);
    free(text);
}

/* At least one byte; 0: the end; a reset is an end as well. */
static ssize_t get(int fd, char *buf, size_t size)
{
    ssize_t n = recv(fd, buf, size, 0);
    if (n < 0 && errno == ECONNRESET)
        return 0;
    ck_assert_msg(n >= 0, "recv: %s", strerror(errno));
    return n;
}

bool at_end(int fd)
{
    char c;
    return get(fd, &c, 1) == 0;
}

/* size bytes more, or fewer at the end of the stream. */
static size_t get_body(int fd, struct answer *a, size_t size)
{
    size_t got = 0;
    if (a->size + size + 1 > a->room) {
        a->room = 2 * (a->size + size) + 1;
        a->body = realloc(a->body, a->room);
        ck_assert_ptr_nonnull(a->body);
    }
    for (ssize_t n; got < size && (n = get(fd, a->body + a->size, size - got)) > 0; got += (size_t)n)
        a->size += (size_t)n;
    a->body[a->size] = '\0';
    return got;
}

static bool get_line(int fd, char *line, size_t size)
{
    size_t n = 0;
    while (n + 1 < size && get(fd, line + n, 1) == 1)
        if (line[n++] == '\n')
            break;
    line[n] = '\0';
    return n >= 2 && line[n - 1] == '\n' && line[n - 2] == '\r';
}

static bool get_chunks(int fd, struct answer *a)
{
    char line[64];
    while (get_line(fd, line, sizeof line)) {
        size_t size = strtoul(line, NULL, 16);
        if (size == 0)
            return get_line(fd, line, sizeof line);
        if (get_body(fd, a, size) < size || !get_line(fd, line, sizeof line))
            return false;
    }
    return false;
}

static bool get_head(int fd, struct answer *a)
{
    size_t used = 0;
    do {
        if (!get_line(fd, a->head + used, sizeof a->head - used))
            return false;
        used += strlen(a->head + used);
    } while (strcmp(a->head + used - 2, "\r\n") != 0 || used < 4 ||
             strcmp(a->head + used - 4, "\r\n\r\n") != 0);
    return sscanf(a->head, "HTTP/1.%*c %d", &a->status) == 1;
}

const char *answer_header(const struct answer *a, const char *name)
{
    static _Thread_local char value[1024];
    size_t n = strlen(name);
    for (const char *p = a->head; (p = strchr(p, '\n'));) {
        if (strncasecmp(++p, name, n) != 0 || p[n] != ':')
            continue;
        p += n + 1 + strspn(p + n + 1, " ");
        snprintf(value, sizeof value, "%.*s", (int)strcspn(p, "\r"), p);
        return value;
    }
    return NULL;
}

struct answer answer_read(int fd, bool head_only)
{
    struct answer a = { 0 };
    a.body = calloc(1, 1);
    if (!get_head(fd, &a))
        return a;
    const char *length = answer_header(&a, "Content-Length");
    const char *coding = length ? NULL : answer_header(&a, "Transfer-Encoding");
    if (head_only || a.status == 204 || a.status == 304 || a.status < 200) {
        a.whole = true;
    } else if (length) {
        size_t size = strtoul(length, NULL, 10);
        a.whole = get_body(fd, &a, size) == size;
    } else if (coding) {
        a.whole = get_chunks(fd, &a);
    } else {
        while (get_body(fd, &a, 4096) == 4096)
            ;
        a.whole = true;
    }
    return a;
}

struct answer ask(int port, const char *fmt, ...)
{
    char *text;
    va_list args;
    va_start(args, fmt);
    int n = vasprintf(&text, fmt, args);
    va_end(args);
    ck_assert_int_ge(n, 0);
    int fd = dial(port);
    put(fd, "%s\r\nHost: here\r\nConnection: close\r\n\r\n", text);
    struct answer a = answer_read(fd, strncmp(text, "HEAD", 4) == 0);
    close(fd);
    free(text);
    return a;
}

void expect(int port, int status, const char *body, const char *request_line)
{
    struct answer a = ask(port, "%s", request_line);
    ck_assert_msg(a.status == status, "%s: %d, not %d", request_line, a.status, status);
    if (body)
        ck_assert_str_eq(a.body, body);
    free(a.body);
}
