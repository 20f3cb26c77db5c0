/* SPDX-License-Identifier: MIT */
/* failure.h - why a request has no result: the "error" of a result line, on which retries
 * depend. */
#ifndef FETCH_FAILURE_H
#define FETCH_FAILURE_H

#include <stdbool.h>

enum failure_kind {
    FAILURE_NONE,
    FAILURE_INPUT, /* the input line cannot be turned into a request */
    FAILURE_DNS,   /* no address; libcurl does not distinguish a wrong name from a silent server */
    FAILURE_CONNECT, /* refused or unreachable */
    FAILURE_TLS,     /* the handshake failed: a certificate, or the connection was cut off */
    FAILURE_TIMEOUT,
    FAILURE_RESET,    /* the connection broke after it had been established */
    FAILURE_PROTOCOL, /* the response is not HTTP, or its body cannot be decoded */
    FAILURE_HTTP,     /* a status of 400 or more */
    FAILURE_REDIRECT, /* too many redirects, or to something other than HTTP */
    FAILURE_TOO_LARGE,
    FAILURE_CHECKSUM,
    FAILURE_LOCAL,     /* on this machine: a file cannot be written, or there is no memory */
    FAILURE_CANCELLED, /* the run was stopped */
    FAILURE_KINDS,
};

struct failure {
    enum failure_kind kind;
    bool temporary;      /* for FAILURE_TLS only: another attempt may succeed */
    const char *message; /* for people */
    const char *code;    /* for programs: "ECONNREFUSED", or NULL */
};

/* Return the name of a kind as results contain it: "dns", "too_large". */
const char *failure_name(enum failure_kind kind);

/* Return "ECONNREFUSED" for -ECONNREFUSED; NULL if there is no such error. */
const char *failure_errno(int error);

#endif
