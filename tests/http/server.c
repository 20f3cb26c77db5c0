/* SPDX-License-Identifier: MIT */
/* server.c - accept connections and read requests. */
#include "answers.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void die(const char *what)
{
    perror(what);
    abort();
}

static void count_busy(struct server *s)
{
    int busy = atomic_fetch_add(&s->busy, 1) + 1, most = atomic_load(&s->most_busy);
    while (busy > most && !atomic_compare_exchange_weak(&s->most_busy, &most, busy))
        ;
}

/* Returns the size of the request at the start of c->in; 0 if it is not complete yet. */
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
    server_dispatch(c, path);
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
    struct server *s = c->server;
    free(c);
    atomic_fetch_sub(&s->open, 1); /* last: a test that sees 0 may end */
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
