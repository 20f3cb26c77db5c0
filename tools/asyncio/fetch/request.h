/* SPDX-License-Identifier: MIT */
/* request.h - one request as it is given: a line of the input, or an argument of the command
 * line. */
#ifndef FETCH_REQUEST_H
#define FETCH_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct request {
    uint64_t index; /* among all requests, from 0; comments and empty lines do not count */
    uint64_t line;  /* in the input file, from 1; 0 for an argument */
    char *id;       /* as JSON text, a string or a number; or NULL */
    char *url;      /* as given, so it may contain a password; NULL if there was none */
    char *method;   /* NULL if it was not given */
    char **headers; /* "Name: value" */
    size_t header_count;
    char *body; /* NULL if there is none; body[body_len] is 0 */
    size_t body_len;
    bool body_json;   /* the body was given as a JSON value, so its Content-Type is known */
    double timeout;   /* in seconds; negative if it was not given */
    int64_t max_body; /* in bytes; negative if it was not given */
    long retries;     /* negative if it was not given */
    char *output;     /* the wanted file name, not yet made safe; or NULL */
    char sha256[65];  /* the expected digest in lower case, or "" */
    char error[200];  /* why this cannot be requested, or ""; it gets a result line all the same */
};

void request_free(struct request *r);

/* Parse one line of input without its line end: a URL, or a JSON object if it begins with '{'.
 *
 * r          zeroed, except for index and line. What is wrong with the input is stored in r->error.
 * Returns    0; -ENOMEM, and r must be freed all the same. */
int request_parse(struct request *r, const char *text, size_t len);

#endif
