/* SPDX-License-Identifier: MIT */
/* failure.h - why a request has no result: what a result line says in "error", and what decides on
 * a retry. */
#ifndef FETCH_FAILURE_H
#define FETCH_FAILURE_H

#include <stdbool.h>

enum failure_kind {
    FAILURE_NONE,
    FAILURE_INPUT, /* the line of the input cannot be done */
    FAILURE_DNS, /* no address: libcurl does not say whether the name is wrong or its server silent */
    FAILURE_CONNECT, /* refused, unreachable */
    FAILURE_TLS,     /* temporary: cut off during the handshake; else certificates and such */
    FAILURE_TIMEOUT,
    FAILURE_RESET,    /* the connection broke after it stood */
    FAILURE_PROTOCOL, /* not HTTP, or a body that cannot be decoded */
    FAILURE_HTTP,     /* a status of 400 or more */
    FAILURE_REDIRECT, /* too many, or to where we do not go */
    FAILURE_TOO_LARGE,
    FAILURE_CHECKSUM,
    FAILURE_LOCAL,     /* a file that cannot be written, no memory */
    FAILURE_CANCELLED, /* we were stopped */
    FAILURE_KINDS,
};

struct failure {
    enum failure_kind kind;
    bool temporary;      /* asked of TLS only */
    const char *message; /* for people */
    const char *code;    /* for programs: "ECONNREFUSED", or NULL */
};

/* The name of the kind as it stands in results: "dns", "too_large". */
const char *failure_name(enum failure_kind kind);

/* "ECONNREFUSED" for -ECONNREFUSED; NULL if there is no such error. */
const char *failure_errno(int error);

#endif
