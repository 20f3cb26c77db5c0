/* SPDX-License-Identifier: MIT */
/* json_writer.h - write JSON, one line for each value, into a text.
 *
 * Whatever bytes it is given, the line is valid UTF-8 that cannot control a terminal: control
 * characters (C0, DEL, C1) and the line separators of Unicode are escaped, and malformed UTF-8
 * becomes U+FFFD. The writer places commas, but does not check the order of the calls. A failed
 * allocation is recorded in the text. */
#ifndef FETCH_JSON_WRITER_H
#define FETCH_JSON_WRITER_H

#include "common/text.h"

#include <stdbool.h>
#include <stdint.h>

struct json_writer {
    struct text *text;
    bool comma; /* a value precedes on this level */
};

/* Begin and end an object or array; kind is '{' or '[', then '}' or ']'. */
void json_put_open(struct json_writer *j, char kind);
void json_put_close(struct json_writer *j, char kind);

/* Put the name of the next value. The first form copies a constant as it is, the second one
 * escapes a name from outside. */
void json_put_key(struct json_writer *j, const char *key);
void json_put_key_n(struct json_writer *j, const char *key, size_t n);

void json_put_string(struct json_writer *j, const char *s); /* NULL is put as null */
void json_put_string_n(struct json_writer *j, const char *s, size_t n);
void json_put_base64(struct json_writer *j, const void *bytes, size_t n);
void json_put_uint(struct json_writer *j, uint64_t v);

/* Put a duration in milliseconds; null if it is negative or NaN. */
void json_put_ms(struct json_writer *j, double seconds);

void json_put_bool(struct json_writer *j, bool v);
void json_put_null(struct json_writer *j);
void json_put_raw(struct json_writer *j, const char *json); /* text that is JSON already */

/* Put a JSON document without its white space, as one value. All digits of its numbers are kept.
 * Returns 0; -EBADMSG if it is not JSON or nests more than 512 levels deep, and then nothing is
 * put. */
int json_put_document(struct json_writer *j, const char *s, size_t n);

#endif
