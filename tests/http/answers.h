/* SPDX-License-Identifier: MIT */
/* answers.h - what the server's paths answer: between server.c, which reads requests, and answers.c. */
#ifndef TESTS_HTTP_ANSWERS_H
#define TESTS_HTTP_ANSWERS_H

#include <stdbool.h>
#include <stddef.h>

#include "server.h"

struct conn {
    struct server *server;
    int fd;
    char in[1024 * 1024]; /* a request with its body, and what follows */
    size_t have;
    char *query; /* behind the '?', or "" */
    long n;      /* the path's last number */
    bool keep;
};

/* Answer the request at the start of c->in, whose path is this one without its query. */
void server_dispatch(struct conn *c, const char *path);

#endif
