/* SPDX-License-Identifier: MIT */
/* fetch_raw.c - keep-alive connections on epoll alone, which show the limit of a fetcher.
 *
 * bench-fetch-raw PORT N LIMIT, prints "ok seconds". */
#include "common.h"

struct conn {
    int fd;
    size_t len;
    char buf[2048];
};

static int port, total, next, done, good;

static void request(struct conn *c)
{
    char text[256];
    int len = snprintf(text, sizeof text,
                       "GET /item/%d HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUser-Agent: raw\r\n"
                       "Accept: */*\r\n\r\n",
                       next++, port);
    c->len = 0;
    if (write(c->fd, text, (size_t)len) != len)
        die("write");
}

static void open_conn(struct conn *c, int poller)
{
    struct sockaddr_in a = loopback(port);
    struct epoll_event ev = { .events = EPOLLIN, .data.ptr = c };
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(c->fd, (struct sockaddr *)&a, sizeof a))
        die("connect");
    nodelay(c->fd);
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    if (epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &ev))
        die("epoll_ctl");
    request(c);
}

static bool is_whole(const struct conn *c)
{
    const char *end = strstr(c->buf, "\r\n\r\n");
    const char *length = end ? strcasestr(c->buf, "\r\ncontent-length:") : NULL;
    return length && c->len >= (size_t)(end + 4 - c->buf) + strtoul(length + 17, NULL, 10);
}

static void receive(struct conn *c)
{
    ssize_t n = read(c->fd, c->buf + c->len, sizeof c->buf - 1 - c->len);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0)
        die("closed");
    c->len += (size_t)n;
    c->buf[c->len] = '\0';
    if (!is_whole(c))
        return;
    good += !memcmp(c->buf + 9, "200", 3);
    done++;
    if (next < total)
        request(c);
}

int main(int argc, char **argv)
{
    if (argc < 4)
        return fputs("usage: bench-fetch-raw PORT N LIMIT\n", stderr), 2;
    port = atoi(argv[1]);
    total = atoi(argv[2]);
    int limit = atoi(argv[3]), poller = epoll_create1(0);
    struct conn *conns = calloc((size_t)limit, sizeof *conns);
    struct epoll_event ready[256];
    if (!conns)
        die("calloc");
    int64_t t0 = now_ns();
    for (int i = 0; i < limit && next < total; i++)
        open_conn(&conns[i], poller);
    while (done < total) {
        int n = epoll_wait(poller, ready, 256, 10000);
        if (n <= 0)
            die("stalled");
        for (int i = 0; i < n; i++)
            receive(ready[i].data.ptr);
    }
    printf("%d %.4f\n", good, 1e-9 * (double)(now_ns() - t0));
    free(conns);
    return 0;
}
