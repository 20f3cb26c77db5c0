/* SPDX-License-Identifier: MIT */
/* http_syntax.h - check methods and headers that come from input or the command line. */
#ifndef FETCH_HTTP_SYNTAX_H
#define FETCH_HTTP_SYNTAX_H

#include <stdbool.h>
#include <stddef.h>

/* Is this a token of HTTP, which names of methods and headers are? */
bool is_http_token(const char *s, size_t n);

/* Both return NULL, or what is wrong, as the end of a sentence.
 *
 * A method is a token of at most 32 characters. A header is "Name: value" without control
 * characters (CR and LF would begin another header), and not one that states the length of the
 * message, because the HTTP client sends that. */
const char *method_check(const char *method);
const char *header_check(const char *header, size_t len);

/* Return the value of the header with that name, in any case, in a list of "Name: value"; NULL if
 * there is none. */
const char *header_find(char *const *headers, size_t count, const char *name);

#endif
