/* SPDX-License-Identifier: MIT */
#include "server.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct conn {
    struct server *server;
    int fd;
    char in[1024 * 1024]; /* a request with its body, and what follows */
    size_t have;
    char *query; /* behind the '?', or "" */
    long n;      /* the path's last number */
    bool keep;
};

static void die(const char *what)
{
    perror(what);
    abort();
}

static bool put(struct conn *c, const void *data, size_t size)
{
    const char *p = data;
    while (size > 0) {
        ssize_t n = send(c->fd, p, size, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return c->keep = false;
        p += n;
        size -= (size_t)n;
    }
    return true;
}

static bool say(struct conn *c, const char *text)
{
    return put(c, text, strlen(text));
}

static bool put_body(struct conn *c, long n)
{
    char piece[65536];
    memset(piece, 'x', n < (long)sizeof piece ? (size_t)n : sizeof piece);
    while (n > 0) {
        size_t size = n < (long)sizeof piece ? (size_t)n : sizeof piece;
        if (!put(c, piece, size))
            return false;
        atomic_fetch_add(&c->server->sent, (long)size);
        n -= (long)size;
    }
    return true;
}

static void answer(struct conn *c, int status, const char *headers, const char *body)
{
    char head[8192];
    bool none = status == 204 || status == 304;
    if (none)
        snprintf(head, sizeof head, "HTTP/1.1 %d Whatever\r\n%s\r\n", status, headers);
    else
        snprintf(head, sizeof head, "HTTP/1.1 %d Whatever\r\n%sContent-Length: %zu\r\n\r\n", status,
                 headers, strlen(body));
    if (say(c, head) && !none && strncmp(c->in, "HEAD ", 5) != 0)
        say(c, body);
}

static void until_gone(struct conn *c)
{
    char byte;
    while (recv(c->fd, &byte, 1, 0) > 0)
        ;
    c->keep = false;
}

/* --- the answers --- */

static void echo(struct conn *c)
{
    answer(c, 200, "Content-Type: text/plain\r\n", c->in);
}

static void bytes(struct conn *c)
{
    char head[128];
    snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %ld\r\n\r\n", c->n);
    if (say(c, head))
        put_body(c, c->n);
}

static void chunked(struct conn *c)
{
    char size[32];
    say(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (long left = c->n; left > 0;) {
        long n = left < 5000 ? left : 5000;
        snprintf(size, sizeof size, "%lx\r\n", n);
        if (!say(c, size) || !put_body(c, n) || !say(c, "\r\n"))
            return;
        left -= n;
    }
    say(c, "0\r\nX-Trailer: yes\r\n\r\n");
}

static void close_after(struct conn *c)
{
    say(c, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
    put_body(c, c->n);
    c->keep = false;
}

static void status(struct conn *c)
{
    answer(c, (int)c->n, "", "");
}

static void redirect(struct conn *c)
{
    char location[128];
    if (c->n > 0)
        snprintf(location, sizeof location, "Location: /redirect/%ld\r\n", c->n - 1);
    else
        snprintf(location, sizeof location, "Location: /echo\r\n");
    answer(c, 302, location, "moved");
}

static void redirect_to(struct conn *c)
{
    char location[2048];
    snprintf(location, sizeof location, "Location: %s\r\n", c->query);
    answer(c, (int)c->n, location, "moved");
}

static void circle(struct conn *c)
{
    answer(c, 302, "Location: /circle\r\n", "moved");
}

static void big_redirect(struct conn *c)
{
    char head[2048];
    snprintf(head, sizeof head, "HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: %ld\r\n\r\n",
             c->query, c->n);
    if (say(c, head))
        put_body(c, c->n);
}

static void late(struct conn *c)
{
    struct pollfd gone = { .fd = c->fd, .events = POLLRDHUP };
    if (poll(&gone, 1, (int)c->n) > 0)
        c->keep = false;
    else
        answer(c, 200, "", "late");
}

static void drop(struct conn *c)
{
    c->keep = false;
}

static void reset(struct conn *c)
{
    struct linger hard = { .l_onoff = 1 };
    setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    c->keep = false;
}

static void half(struct conn *c)
{
    long n = c->n;
    char head[128];
    snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %ld\r\n\r\n", n);
    if (say(c, head))
        put_body(c, n / 2);
    c->keep = false;
}

static void stall(struct conn *c)
{
    half(c);
    until_gone(c);
}

static void lengths(struct conn *c)
{
    say(c, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 7\r\n\r\nfive!");
}

static void same(struct conn *c)
{
    say(c, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nfive!");
}

static void junk(struct conn *c)
{
    say(c, "hello, who are you?\r\n\r\n");
    c->keep = false;
}

static void headers(struct conn *c)
{
    char line[1024];
    memset(line, 'h', sizeof line);
    memcpy(line, "X-Long: ", 8);
    memcpy(line + sizeof line - 3, "\r\n", 3);
    say(c, "HTTP/1.1 200 OK\r\n");
    for (long n = 0; n < c->n && say(c, line); n += (long)sizeof line - 1)
        ;
    say(c, "Content-Length: 2\r\n\r\nok");
}

static void retry(struct conn *c)
{
    char header[256];
    for (char *p = c->query; *p; p++)
        *p = *p == '+' ? ' ' : *p;
    snprintf(header, sizeof header, "Retry-After: %s\r\n", c->query);
    answer(c, 429, header, "slow down");
}

static void info(struct conn *c)
{
    say(c, "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n");
    answer(c, 200, "X-Final: yes\r\n", "at last");
}

static void cookie(struct conn *c)
{
    answer(c, 200, "Set-Cookie: crumb=42\r\n", "");
}

static void idle(struct conn *c)
{
    answer(c, 200, "", "bye");
    usleep(50 * 1000);
    c->keep = false;
}

static void fold(struct conn *c)
{
    answer(c, 200, "X-Folded: one\r\n two\r\nX-Empty:\r\nX-Twice: a\r\nX-Twice: b\r\n", "");
}

/* "%0D%0A" and the like stand for bytes; the path cannot hold them. */
static void raw(struct conn *c)
{
    char *to = c->query;
    for (const char *from = c->query; *from; from++) {
        unsigned byte = (unsigned char)*from;
        if (byte == '%' && sscanf(from + 1, "%2x", &byte) == 1)
            from += 2;
        *to++ = (char)byte;
    }
    put(c, c->query, (size_t)(to - c->query));
}

static void send_packed(struct conn *c, const char *header)
{
    size_t size;
    unsigned char *data = gzip_zeros(c->n, &size);
    char head[128];
    snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\n%s\r\nContent-Length: %zu\r\n\r\n", header, size);
    if (say(c, head))
        put(c, data, size);
    free(data);
}

static void gzip(struct conn *c)
{
    send_packed(c, "Content-Encoding: gzip");
}

static void transfer_gzip(struct conn *c)
{
    send_packed(c, "Transfer-Encoding: gzip\r\nConnection: close");
    c->keep = false;
}

/* --- requests --- */

static const struct {
    const char *path;
    void (*fn)(struct conn *c);
} paths[] = {
    { "/echo", echo },
    { "/circle", circle },
    { "/bytes/", bytes },
    { "/chunked/", chunked },
    { "/close/", close_after },
    { "/status/", status },
    { "/redirect/", redirect },
    { "/to/", redirect_to },
    { "/big/", big_redirect },
    { "/delay/", late },
    { "/drop", drop },
    { "/reset", reset },
    { "/half/", half },
    { "/stall/", stall },
    { "/silent", until_gone },
    { "/lengths", lengths },
    { "/same", same },
    { "/junk", junk },
    { "/headers/", headers },
    { "/retry", retry },
    { "/info", info },
    { "/cookie", cookie },
    { "/idle", idle },
    { "/fold", fold },
    { "/gzip/", gzip },
    { "/raw", raw },
    { "/transfer-gzip/", transfer_gzip },
};

static void dispatch(struct conn *c, const char *path)
{
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        if (strncmp(path, paths[i].path, strlen(paths[i].path)) == 0) {
            paths[i].fn(c);
            return;
        }
    answer(c, 404, "", "no such path");
}

static void count_busy(struct server *s)
{
    int busy = atomic_fetch_add(&s->busy, 1) + 1, most = atomic_load(&s->most_busy);
    while (busy > most && !atomic_compare_exchange_weak(&s->most_busy, &most, busy))
        ;
}

/* The size of the request at the start of in, or 0: more must come. */
static size_t request_size(struct conn *c)
{
    c->in[c->have] = '\0';
    char *end = strstr(c->in, "\r\n\r\n");
    if (!end)
        return 0;
    char *length = strcasestr(c->in, "\r\nContent-Length:");
    size_t body = length && length < end ? strtoul(length + 17, NULL, 10) : 0;
    size_t size = (size_t)(end + 4 - c->in) + body;
    return c->have >= size ? size : 0;
}

static bool read_request(struct conn *c, size_t *size)
{
    while ((*size = request_size(c)) == 0) {
        if (c->have >= sizeof c->in - 1)
            return false;
        ssize_t n = recv(c->fd, c->in + c->have, sizeof c->in - 1 - c->have, 0);
        if (n <= 0)
            return false;
        c->have += (size_t)n;
    }
    return true;
}

static void serve_one(struct conn *c, size_t size)
{
    char path[4096] = "/", after = c->in[size];
    c->in[size] = '\0';
    sscanf(c->in, "%*s %4095s", path);
    char *question = strchr(path, '?');
    if (question)
        *question = '\0';
    c->query = question ? question + 1 : (char *)"";
    char *slash = strrchr(path, '/');
    c->n = slash ? atol(slash + 1) : 0;
    atomic_fetch_add(&c->server->requests, 1);
    count_busy(c->server);
    dispatch(c, path);
    atomic_fetch_sub(&c->server->busy, 1);
    c->in[size] = after;
    memmove(c->in, c->in + size, c->have - size);
    c->have -= size;
}

static void *serve(void *arg)
{
    struct conn *c = arg;
    size_t size;
    c->keep = true;
    while (c->keep && read_request(c, &size))
        serve_one(c, size);
    close(c->fd);
    atomic_fetch_sub(&c->server->open, 1);
    free(c);
    return NULL;
}

static void *accept_all(void *arg)
{
    struct server *s = arg;
    for (;;) {
        int fd = accept(s->fd, NULL, NULL);
        if (fd < 0 && errno != EINVAL && errno != EBADF)
            continue;
        if (fd < 0)
            return NULL;
        struct conn *c = calloc(1, sizeof *c);
        pthread_t thread;
        if (!c)
            die("calloc");
        c->server = s;
        c->fd = fd;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
        atomic_fetch_add(&s->connections, 1);
        atomic_fetch_add(&s->open, 1);
        if (pthread_create(&thread, NULL, serve, c) != 0)
            die("pthread_create");
        pthread_detach(thread);
    }
}

void server_start(struct server *s)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof a;
    memset(s, 0, sizeof *s);
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s->fd < 0 || bind(s->fd, (struct sockaddr *)&a, size) < 0 || listen(s->fd, 512) < 0)
        die("listen");
    if (getsockname(s->fd, (struct sockaddr *)&a, &size) < 0)
        die("getsockname");
    s->port = ntohs(a.sin_port);
    snprintf(s->url, sizeof s->url, "http://127.0.0.1:%d", s->port);
    if (pthread_create(&s->thread, NULL, accept_all, s) != 0)
        die("pthread_create");
}

void server_stop(struct server *s)
{
    shutdown(s->fd, SHUT_RDWR);
    pthread_join(s->thread, NULL);
    close(s->fd);
    for (int i = 0; i < 200 && atomic_load(&s->open) > 0; i++)
        usleep(10000);
}
