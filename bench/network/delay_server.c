/* SPDX-License-Identifier: MIT */
/* delay_server.c - an HTTP/1.1 keep-alive server that answers each request after a fixed time.
 *
 * bench-delay-server PORT [MS] */
#include "common.h"

enum { QUEUE = 65536 };

/* Requests that wait for their answers, in the order in which they arrived, which is also the order
 * of their deadlines. */
static struct {
    int64_t due;
    int fd;
} queue[QUEUE];
static unsigned head, tail;

static const char body[] = "{\"id\":12345,\"name\":\"an item with a name of some length\","
                           "\"tags\":[\"alpha\",\"beta\",\"gamma\"],\"price\":19.99,\"stock\":42,"
                           "\"active\":true,\"description\":\"two hundred bytes of JSON, more or "
                           "less, as one item......\"}";
static char answer[512];
static size_t answer_len;
static int poller;

static void answer_all_due(int64_t now)
{
    while (head != tail && queue[head % QUEUE].due <= now)
        if (write(queue[head++ % QUEUE].fd, answer, answer_len) < 0 && errno != EPIPE &&
            errno != ECONNRESET && errno != EBADF)
            die("write");
}

static void accept_all(int listener)
{
    int fd;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        struct epoll_event ev = { .events = EPOLLIN, .data.fd = fd };
        nodelay(fd);
        if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &ev))
            die("epoll_ctl");
    }
}

/* Read a request and queue its answer. All clients of this benchmark send a GET in one piece, and
 * one at a time on each connection. */
static void take_request(int fd, int64_t delay)
{
    static char buf[16384];
    ssize_t n = read(fd, buf, sizeof buf - 1);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0) {
        close(fd);
        return;
    }
    buf[n] = '\0';
    if (!strstr(buf, "\r\n\r\n"))
        return;
    queue[tail % QUEUE].due = now_ns() + delay;
    queue[tail++ % QUEUE].fd = fd;
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return fputs("usage: bench-delay-server PORT [MS]\n", stderr), 2;
    int listener = listen_on(atoi(argv[1]));
    int64_t delay = (argc > 2 ? atol(argv[2]) : 100) * INT64_C(1000000);
    answer_len = (size_t)snprintf(answer, sizeof answer,
                                  "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                                  "Content-Length: %zu\r\n\r\n%s",
                                  strlen(body), body);
    poller = epoll_create1(0);
    struct epoll_event ev = { .events = EPOLLIN, .data.fd = listener }, ready[512];
    if (epoll_ctl(poller, EPOLL_CTL_ADD, listener, &ev))
        die("epoll_ctl");
    for (;;) {
        int64_t now = now_ns();
        answer_all_due(now);
        int64_t wait = head == tail ? 0 : queue[head % QUEUE].due - now;
        struct timespec ts = { wait / 1000000000, wait % 1000000000 };
        int n = epoll_pwait2(poller, ready, 512, head == tail ? NULL : &ts, NULL);
        for (int i = 0; i < n; i++) {
            if (ready[i].data.fd == listener)
                accept_all(listener);
            else
                take_request(ready[i].data.fd, delay);
        }
    }
}
