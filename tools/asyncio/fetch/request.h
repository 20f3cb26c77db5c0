/* SPDX-License-Identifier: MIT */
/* request.h - one request that was asked for: a line of the input, or an argument. */
#ifndef FETCH_SPEC_H
#define FETCH_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct request_spec {
    uint64_t index; /* of the inputs, from 0: comments and empty lines are none */
    uint64_t line;  /* of the file, from 1; 0 for an argument. Errors begin with it. */
    char *id;       /* as JSON text, a string or a number; or NULL */
    char *url;      /* as it was given, so with its password; NULL only if there was none */
    char *method;   /* or NULL: not said */
    char **headers; /* "Name: value" */
    size_t header_count;
    char *body; /* or NULL: none; body[body_len] is 0 */
    size_t body_len;
    bool body_json;  /* the body was given as a JSON value: say so in a Content-Type */
    char *output;    /* the wanted file name, still to be made safe; or NULL */
    char sha256[65]; /* the wanted digest in lower case, or "" */
    char error[200]; /* not "": it cannot be done, and why. It still gets its result line. */
};

void request_spec_free(struct request_spec *s);

/* Fill s (index and line are the caller's) from one input, without its line end: a URL, or a JSON
 * object if it begins with '{'. What is wrong with it is said in s->error. -ENOMEM, and s is to be
 * freed all the same. */
int request_spec_parse(struct request_spec *s, const char *text, size_t len);

/* NULL, or what is wrong, as the end of a sentence. A method is a token of up to 32 characters; a
 * header is "Name: value" without CR, LF, NUL and other control characters, and not one of those
 * that say how long the message is, for these are the HTTP client's. */
const char *method_check(const char *method);
const char *header_check(const char *header, size_t len);

/* The value of the header of that name (no matter the case) in the list, or NULL. */
const char *header_find(char *const *headers, size_t count, const char *name);

#endif
