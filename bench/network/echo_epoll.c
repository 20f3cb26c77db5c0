/* SPDX-License-Identifier: MIT */
/* echo_epoll PORT - an echo server on epoll alone, which only reads and writes. It shows the
 * practical limit. */
#include "common.h"

static char buf[65536];

static void add(int ep, int fd)
{
    struct epoll_event ev = { .events = EPOLLIN, .data.fd = fd };
    if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev))
        die("epoll_ctl");
}

static void accept_all(int ep, int listener)
{
    for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0;) {
        nodelay(fd);
        add(ep, fd);
    }
}

static void echo(int fd)
{
    ssize_t n = read(fd, buf, sizeof buf);
    if (n > 0 ? write(fd, buf, (size_t)n) != n : !(n < 0 && errno == EAGAIN))
        close(fd);
}

int main(int argc, char *argv[])
{
    struct epoll_event evs[512];
    int listener = listen_on(argc > 1 ? atoi(argv[1]) : 7000), ep = epoll_create1(0);
    add(ep, listener);
    for (;;) {
        int n = epoll_wait(ep, evs, 512, -1);
        for (int i = 0; i < n; i++)
            if (evs[i].data.fd == listener)
                accept_all(ep, listener);
            else
                echo(evs[i].data.fd);
    }
}
