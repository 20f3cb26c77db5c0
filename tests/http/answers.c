/* SPDX-License-Identifier: MIT */
/* answers.c - how the server answers each path, correctly or not. */
#include "answers.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static bool send_bytes(struct conn *c, const void *data, size_t size)
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

static bool send_text(struct conn *c, const char *text)
{
    return send_bytes(c, text, strlen(text));
}

static bool send_body(struct conn *c, long n)
{
    char piece[65536];
    memset(piece, 'x', n < (long)sizeof piece ? (size_t)n : sizeof piece);
    while (n > 0) {
        size_t size = n < (long)sizeof piece ? (size_t)n : sizeof piece;
        if (!send_bytes(c, piece, size))
            return false;
        atomic_fetch_add(&c->server->sent, (long)size);
        n -= (long)size;
    }
    return true;
}

static void send_answer(struct conn *c, int status, const char *headers, const char *body)
{
    char head[8192];
    bool empty = status == 204 || status == 304;
    if (empty)
        snprintf(head, sizeof head, "HTTP/1.1 %d Whatever\r\n%s\r\n", status, headers);
    else
        snprintf(head, sizeof head, "HTTP/1.1 %d Whatever\r\n%sContent-Length: %zu\r\n\r\n", status,
                 headers, strlen(body));
    if (send_text(c, head) && !empty && strncmp(c->in, "HEAD ", 5) != 0)
        send_text(c, body);
}

static void wait_for_close(struct conn *c)
{
    char byte;
    while (recv(c->fd, &byte, 1, 0) > 0)
        ;
    c->keep = false;
}

/* --- the answers --- */

static void echo(struct conn *c)
{
    send_answer(c, 200, "Content-Type: text/plain\r\n", c->in);
}

static void bytes(struct conn *c)
{
    char head[128];
    snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %ld\r\n\r\n", c->n);
    if (send_text(c, head))
        send_body(c, c->n);
}

static void chunked(struct conn *c)
{
    char size[32];
    send_text(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (long left = c->n; left > 0;) {
        long n = left < 5000 ? left : 5000;
        snprintf(size, sizeof size, "%lx\r\n", n);
        if (!send_text(c, size) || !send_body(c, n) || !send_text(c, "\r\n"))
            return;
        left -= n;
    }
    send_text(c, "0\r\nX-Trailer: yes\r\n\r\n");
}

static void close_after(struct conn *c)
{
    send_text(c, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
    send_body(c, c->n);
    c->keep = false;
}

static void status(struct conn *c)
{
    send_answer(c, (int)c->n, "", "");
}

static void redirect(struct conn *c)
{
    char location[128];
    if (c->n > 0)
        snprintf(location, sizeof location, "Location: /redirect/%ld\r\n", c->n - 1);
    else
        snprintf(location, sizeof location, "Location: /echo\r\n");
    send_answer(c, 302, location, "moved");
}

static void redirect_to(struct conn *c)
{
    char location[2048];
    snprintf(location, sizeof location, "Location: %s\r\n", c->query);
    send_answer(c, (int)c->n, location, "moved");
}

static void circle(struct conn *c)
{
    send_answer(c, 302, "Location: /circle\r\n", "moved");
}

static void big_redirect(struct conn *c)
{
    char head[2048];
    snprintf(head, sizeof head, "HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: %ld\r\n\r\n",
             c->query, c->n);
    if (send_text(c, head))
        send_body(c, c->n);
}

static void delay(struct conn *c)
{
    struct pollfd gone = { .fd = c->fd, .events = POLLRDHUP };
    if (poll(&gone, 1, (int)c->n) > 0)
        c->keep = false;
    else
        send_answer(c, 200, "", "late");
}

static void hold(struct conn *c)
{
    struct pollfd gone = { .fd = c->fd, .events = POLLRDHUP };
    while (!atomic_load(&c->server->released))
        if (poll(&gone, 1, 1) > 0) {
            c->keep = false;
            return;
        }
    send_answer(c, 200, "", "held");
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
    if (send_text(c, head))
        send_body(c, n / 2);
    c->keep = false;
}

static void stall(struct conn *c)
{
    half(c);
    wait_for_close(c);
}

static void lengths(struct conn *c)
{
    send_text(c, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 7\r\n\r\nfive!");
}

static void same(struct conn *c)
{
    send_text(c, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nfive!");
}

static void junk(struct conn *c)
{
    send_text(c, "this is not HTTP\r\n\r\n");
    c->keep = false;
}

static void headers(struct conn *c)
{
    char line[1024];
    memset(line, 'h', sizeof line);
    memcpy(line, "X-Long: ", 8);
    memcpy(line + sizeof line - 3, "\r\n", 3);
    send_text(c, "HTTP/1.1 200 OK\r\n");
    for (long n = 0; n < c->n && send_text(c, line); n += (long)sizeof line - 1)
        ;
    send_text(c, "Content-Length: 2\r\n\r\nok");
}

static void long_line(struct conn *c)
{
    send_text(c, "HTTP/1.1 200 OK\r\nX-Long: ");
    send_body(c, c->n);
    send_text(c, "\r\nContent-Length: 2\r\n\r\nok");
}

static void retry(struct conn *c)
{
    char header[256];
    for (char *p = c->query; *p; p++)
        *p = *p == '+' ? ' ' : *p;
    snprintf(header, sizeof header, "Retry-After: %s\r\n", c->query);
    send_answer(c, 429, header, "slow down");
}

static void info(struct conn *c)
{
    send_text(c, "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n");
    send_answer(c, 200, "X-Final: yes\r\n", "at last");
}

static void cookie(struct conn *c)
{
    send_answer(c, 200, "Set-Cookie: crumb=42\r\n", "");
}

static void idle(struct conn *c)
{
    send_answer(c, 200, "", "bye");
    usleep(50 * 1000);
    c->keep = false;
}

static void fold(struct conn *c)
{
    send_answer(c, 200, "X-Folded: one\r\n two\r\nX-Empty:\r\nX-Twice: a\r\nX-Twice: b\r\n", "");
}

/* Percent-encoded bytes such as "%0D%0A" are decoded, since a path cannot contain them. */
static void raw(struct conn *c)
{
    char *to = c->query;
    for (const char *from = c->query; *from; from++) {
        unsigned byte = (unsigned char)*from;
        if (byte == '%' && sscanf(from + 1, "%2x", &byte) == 1)
            from += 2;
        *to++ = (char)byte;
    }
    send_bytes(c, c->query, (size_t)(to - c->query));
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

static void send_gzip_zeros(struct conn *c, const char *header)
{
    size_t size;
    unsigned char *data = gzip_zeros(c->n, &size);
    char head[128];
    snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\n%s\r\nContent-Length: %zu\r\n\r\n", header,
             size);
    if (send_text(c, head))
        send_bytes(c, data, size);
    free(data);
}

static void gzip(struct conn *c)
{
    send_gzip_zeros(c, "Content-Encoding: gzip");
}

static void transfer_gzip(struct conn *c)
{
    send_gzip_zeros(c, "Transfer-Encoding: gzip\r\nConnection: close");
    c->keep = false;
}

static const struct {
    const char *path;
    void (*fn)(struct conn *c);
} paths[] = {
    { "/echo", echo },
    { "http://echo.invalid/", echo },
    { "/circle", circle },
    { "/bytes/", bytes },
    { "/chunked/", chunked },
    { "/close/", close_after },
    { "/status/", status },
    { "/redirect/", redirect },
    { "/to/", redirect_to },
    { "/big/", big_redirect },
    { "/delay/", delay },
    { "/hold", hold },
    { "/drop", drop },
    { "/reset", reset },
    { "/half/", half },
    { "/stall/", stall },
    { "/silent", wait_for_close },
    { "/lengths", lengths },
    { "/same", same },
    { "/junk", junk },
    { "/headers/", headers },
    { "/line/", long_line },
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
    send_answer(c, 404, "", "no such path");
}
