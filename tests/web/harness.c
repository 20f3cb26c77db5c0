/* SPDX-License-Identifier: MIT */
#include "harness.h"

#include "../frame/capture.h"
#include "fake_clock.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* --- the server's side --- */

static async_loop *server_loop; /* of the latest client_start() */

static void set_done(void *client)
{
    async_event_set(&((struct client *)client)->done);
}

/* The loop may have been closed by then, in tests whose server ends before its client. */
static void *client_main(void *client)
{
    struct client *c = client;
    c->fn(c->port, c->arg);
    async_ignore(async_call_soon_threadsafe(c->loop, set_done, c));
    return NULL;
}

void client_start(struct client *c, int port, client_fn *fn, void *arg)
{
    pthread_t thread;
    server_loop = async_get_running_loop();
    *c = (struct client){ .fn = fn, .arg = arg, .port = port, .loop = server_loop };
    expect_ok(pthread_create(&thread, NULL, client_main, c));
    c->thread = thread;
}

int await_client(struct client *c)
{
    int r = await_event_wait(&c->done);
    if (r == 0)
        pthread_join(c->thread, NULL);
    return r;
}

struct service {
    const async_web_route *routes;
    struct async_web_opts opts;
    client_fn *client;
    void *arg;
};

/* The grace period is longer than a test may take: a server that waits for anything fails the
 * test. */
ASYNC_DEF(serve_client, (struct service *)it)
{
    struct client c;
    async_web_server *s;
    int r = async_web_server_start_opt(it->routes, &s, &it->opts);
    expect_that(r == 0, "start: %s: %s", strerror(-r), async_fail_text(r));
    client_start(&c, async_web_server_port(s), it->client, it->arg);
    ASYNC_TRY(await_client(&c));
    return await_web_server_stop(&s, 10 * SUITE_SECONDS);
}

void serve(const async_web_route *routes, struct async_web_opts opts, client_fn *client, void *arg)
{
    opts.struct_size = sizeof opts;
    struct service it = { routes, opts, client, arg };
    expect_ok(async_run(serve_client(&it)));
}

char *serve_and_capture_stderr(const async_web_route *routes, struct async_web_opts opts,
                               client_fn *client, void *arg)
{
    capture_stderr_begin();
    serve(routes, opts, client, arg);
    char *text = strdup(captured_stderr());
    capture_stderr_end();
    expect_not_null(text);
    return text;
}

int count_descriptors(void)
{
    int n = 0;
    for (int fd = 0; fd < 256; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

/* --- sockets --- */

int open_socket(void)
{
    struct timeval limit = { .tv_sec = 10 };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    expect_at_least(fd, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    return fd;
}

void connect_socket(int fd, int port)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    expect_that(connect(fd, (struct sockaddr *)&a, sizeof a) == 0, "connect: %s", strerror(errno));
}

int connect_to(int port)
{
    int fd = open_socket();
    connect_socket(fd, port);
    return fd;
}

/* A server may close the connection before it has read everything: its response is still there. */
void send_bytes(int fd, const void *bytes, size_t size)
{
    const char *p = bytes;
    while (size) {
        ssize_t n = send(fd, p, size, MSG_NOSIGNAL);
        if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
            return;
        expect_that(n > 0, "send: %s", strerror(errno));
        p += n;
        size -= (size_t)n;
    }
}

void send_text(int fd, const char *fmt, ...)
{
    char *text;
    va_list args;
    va_start(args, fmt);
    int n = vasprintf(&text, fmt, args);
    va_end(args);
    expect_at_least(n, 0);
    send_bytes(fd, text, (size_t)n);
    free(text);
}

/* Receive at least one byte. Returns 0 at the end of the stream, and after a reset. */
static ssize_t receive(int fd, char *buf, size_t size)
{
    ssize_t n = recv(fd, buf, size, 0);
    if (n < 0 && errno == ECONNRESET)
        return 0;
    expect_that(n >= 0, "recv: %s", strerror(errno));
    return n;
}

bool reads_end(int fd)
{
    char c;
    return receive(fd, &c, 1) == 0;
}

void reset_connection(int fd)
{
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){ 1, 0 }, sizeof(struct linger));
    close(fd);
}

void wait_until(atomic_int *counter, int value)
{
    for (int i = 0; i < 10000 && *counter != value; i++)
        nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
    expect_int(*counter, value);
}

static void count_up(void *counter)
{
    ++*(atomic_int *)counter;
}

/* The loop may have read the clock just before it was moved, so wait for a few iterations. */
void skip_seconds(double seconds)
{
    atomic_int iterations = 0;
    fake_clock_advance(seconds);
    for (int i = 1; i <= 3; i++) {
        int r = async_call_soon_threadsafe(server_loop, count_up, (void *)&iterations);
        expect_ok(r);
        wait_until(&iterations, i);
    }
}

/* --- responses --- */

/* Append size bytes to the body, or fewer at the end of the stream. Returns how many. */
static size_t read_body(int fd, struct response *r, size_t size)
{
    size_t got = 0;
    if (r->size + size + 1 > r->capacity) {
        r->capacity = 2 * (r->size + size) + 1;
        r->body = realloc(r->body, r->capacity);
        expect_not_null(r->body);
    }
    for (ssize_t n; got < size; got += (size_t)n) {
        if ((n = receive(fd, r->body + r->size, size - got)) == 0)
            break;
        r->size += (size_t)n;
    }
    r->body[r->size] = '\0';
    return got;
}

static bool read_line(int fd, char *line, size_t size)
{
    size_t n = 0;
    while (n + 1 < size && receive(fd, line + n, 1) == 1)
        if (line[n++] == '\n')
            break;
    line[n] = '\0';
    return n >= 2 && line[n - 1] == '\n' && line[n - 2] == '\r';
}

static bool read_chunks(int fd, struct response *r)
{
    char line[64];
    while (read_line(fd, line, sizeof line)) {
        size_t size = strtoul(line, NULL, 16);
        if (size == 0)
            return read_line(fd, line, sizeof line);
        if (read_body(fd, r, size) < size || !read_line(fd, line, sizeof line))
            return false;
    }
    return false;
}

static bool read_head(int fd, struct response *r)
{
    size_t used = 0;
    do {
        if (!read_line(fd, r->head + used, sizeof r->head - used))
            return false;
        used += strlen(r->head + used);
    } while (used < 4 || strcmp(r->head + used - 4, "\r\n\r\n") != 0);
    return sscanf(r->head, "HTTP/1.%*c %d", &r->status) == 1;
}

const char *response_header(const struct response *r, const char *name)
{
    static _Thread_local char value[1024];
    size_t n = strlen(name);
    for (const char *p = r->head; (p = strchr(p, '\n'));) {
        if (strncasecmp(++p, name, n) != 0 || p[n] != ':')
            continue;
        p += n + 1 + strspn(p + n + 1, " ");
        snprintf(value, sizeof value, "%.*s", (int)strcspn(p, "\r"), p);
        return value;
    }
    return NULL;
}

static struct response read_any_response(int fd, bool has_body)
{
    struct response r = { .body = calloc(1, 1) };
    if (!read_head(fd, &r))
        return r;
    const char *length = response_header(&r, "Content-Length");
    r.complete = true;
    if (!has_body || r.status == 204 || r.status == 304 || r.status < 200)
        return r;
    if (length) {
        size_t size = strtoul(length, NULL, 10);
        r.complete = read_body(fd, &r, size) == size;
    } else if (response_header(&r, "Transfer-Encoding")) {
        r.complete = read_chunks(fd, &r);
    } else {
        while (read_body(fd, &r, 4096) == 4096)
            ;
    }
    return r;
}

struct response read_response(int fd)
{
    return read_any_response(fd, true);
}

struct response read_head_response(int fd)
{
    return read_any_response(fd, false);
}

struct response request(int port, const char *fmt, ...)
{
    char *text;
    va_list args;
    va_start(args, fmt);
    int n = vasprintf(&text, fmt, args);
    va_end(args);
    expect_at_least(n, 0);
    int fd = connect_to(port);
    send_text(fd, "%s\r\nHost: here\r\nConnection: close\r\n\r\n", text);
    struct response r = read_any_response(fd, strncmp(text, "HEAD", 4) != 0);
    close(fd);
    free(text);
    return r;
}

void expect_response(int port, int status, const char *body, const char *request_line)
{
    struct response r = request(port, "%s", request_line);
    expect_that(r.status == status, "%s: %d, not %d", request_line, r.status, status);
    if (body)
        expect_text(r.body, body);
    free(r.body);
}

void expect_status(int fd, int status)
{
    struct response r = read_response(fd);
    expect_int(r.status, status);
    free(r.body);
}
