/* SPDX-License-Identifier: MIT */
/* floor.c - measure the cost of an empty system call, and of 64 bytes over a loopback TCP
 * connection whose two ends are in one thread that never polls. bench-network-floor [N] */
#include "common.h"
#include <sys/syscall.h>

#define TIME(label, ...)                                                                           \
    do {                                                                                           \
        int64_t t0_ = now_ns();                                                                    \
        for (long i_ = 0; i_ < n; i_++) {                                                          \
            __VA_ARGS__;                                                                           \
        }                                                                                          \
        printf("%s %.6g ns\n", label, (double)(now_ns() - t0_) / (double)n);                       \
    } while (0)

int main(int argc, char **argv)
{
    long n = argc > 1 ? atol(argv[1]) : 300000, good = 0;
    int listener = listen_on(0), poller = epoll_create1(0), c = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in a;
    struct epoll_event ev = { .events = EPOLLIN }, out;
    char buf[64] = { 0 };
    if (getsockname(listener, (struct sockaddr *)&a, &(socklen_t){ sizeof a }) ||
        connect(c, (struct sockaddr *)&a, sizeof a))
        die("connect");
    int s = accept(listener, NULL, NULL);
    if (s < 0)
        die("accept");
    nodelay(c);
    nodelay(s);
    TIME("getppid", good += syscall(SYS_getppid) > 0);
    TIME("clock_gettime", good += now_ns() > 0);
    TIME("recv_eagain", good += recv(s, buf, 64, MSG_DONTWAIT) < 0);
    TIME("epoll_ctl_add_del", good += !epoll_ctl(poller, EPOLL_CTL_ADD, s, &ev);
         epoll_ctl(poller, EPOLL_CTL_DEL, s, NULL));
    TIME("epoll_wait_empty", good += epoll_wait(poller, &out, 1, 0) == 0);
    TIME("tcp_one_way_64", good += write(c, buf, 64) == 64; good += read(s, buf, 64) == 64);
    TIME("tcp_echo_64", good += write(c, buf, 64) == 64; good += read(s, buf, 64) == 64;
         good += write(s, buf, 64) == 64; good += read(c, buf, 64) == 64);
    return good != 11 * n;
}
