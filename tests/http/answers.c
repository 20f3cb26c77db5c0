/* SPDX-License-Identifier: MIT */
#include "answers.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

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

static void raw_close(struct conn *c)
{
    raw(c);
    c->keep = false;
}

static void raw_reset(struct conn *c)
{
    raw(c);
    reset(c);
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
    { "/raw-close", raw_close },
    { "/raw-reset", raw_reset },
    { "/raw", raw },
    { "/transfer-gzip/", transfer_gzip },
};

void server_dispatch(struct conn *c, const char *path)
{
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        if (strncmp(path, paths[i].path, strlen(paths[i].path)) == 0) {
            paths[i].fn(c);
            return;
        }
    answer(c, 404, "", "no such path");
}
