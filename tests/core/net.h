/* SPDX-License-Identifier: MIT */
/* net.h - what the tests of streams share: the real clock, and peers that do what they are told. */
#ifndef TESTS_NET_H
#define TESTS_NET_H

#include "../frame/loop_test.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

/* A test by the real clock. */
#define REAL(name)                                                                                 \
    ASYNC_CHECK static int await_##name##_case(void);                                              \
    ASYNC_CO(name##_case)                                                                          \
    TEST(name)                                                                                     \
    {                                                                                              \
        expect_int(run_silently(name##_case(), &(const struct async_run_opts){ 0 }), 0);           \
    }                                                                                              \
    static int await_##name##_case(void)

static inline struct sockaddr_in loopback(int port)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return a;
}

/* A plain socket that listens on 127.0.0.1, and its port. */
static inline int plain_listen(int *port, int backlog)
{
    struct sockaddr_in a = loopback(*port);
    socklen_t len = sizeof a;
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    expect_true(fd >= 0);
    expect_ok(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one));
    expect_ok(bind(fd, (struct sockaddr *)&a, sizeof a));
    expect_ok(listen(fd, backlog));
    expect_ok(getsockname(fd, (struct sockaddr *)&a, &len));
    *port = ntohs(a.sin_port);
    return fd;
}

static inline int plain_connect(int port)
{
    struct sockaddr_in a = loopback(port);
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    expect_true(fd >= 0);
    expect_ok(connect(fd, (struct sockaddr *)&a, sizeof a));
    expect_ok(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one));
    return fd;
}

static inline const char *text_of(int n)
{
    static char texts[4][16];
    static unsigned i;
    char *text = texts[i++ % countof(texts)];
    snprintf(text, sizeof *texts, "%d", n);
    return text;
}

/* A stream, and the plain (blocking) socket at its other end. */
ASYNC_CHECK static inline int await_pair(async_stream **s, int *peer)
{
    int port = 0, fd = plain_listen(&port, 8), one = 1;
    ASYNC_TRY(await_open_connection("127.0.0.1", text_of(port), s));
    *peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
    expect_true(*peer >= 0);
    expect_ok(setsockopt(*peer, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one));
    return close(fd);
}

static inline void say(int peer, const char *text)
{
    expect_int(send(peer, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* Close with a reset. */
static inline void reset(int peer)
{
    struct linger now = { .l_onoff = 1 };
    expect_ok(setsockopt(peer, SOL_SOCKET, SO_LINGER, &now, sizeof now));
    expect_ok(close(peer));
}

#endif
