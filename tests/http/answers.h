/* SPDX-License-Identifier: MIT */
/* answers.h - between server.c, which reads requests, and answers.c, which answers them. */
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
    char *query; /* the part after '?', or "" */
    long n;      /* the number at the end of the path */
    bool keep;
};

/* Answer the request at the start of c->in. path is without the query. */
void server_dispatch(struct conn *c, const char *path);

#endif
