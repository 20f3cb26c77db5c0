/* SPDX-License-Identifier: MIT */
/* json_writer.h - writes JSON, one line a value, into a text.
 *
 * Whatever bytes it is given, the line is one line of valid UTF-8 that cannot drive a terminal:
 * control characters (C0, DEL, C1) and the Unicode line separators are escaped, malformed UTF-8
 * becomes U+FFFD. It keeps track of commas, not of whether the caller's calls make sense. Memory
 * errors stick in the text. */
#ifndef FETCH_JSON_OUT_H
#define FETCH_JSON_OUT_H

#include "common/text.h"

#include <stdbool.h>
#include <stdint.h>

struct json_out {
    struct text *text;
    bool comma; /* something stands before, on this level */
};

/* Objects and arrays: kind is '{' or '[', and '}' or ']' for the end. */
void json_put_open(struct json_out *j, char kind);
void json_put_close(struct json_out *j, char kind);

/* The next value's name: a constant of ours, written as it is. */
void json_put_key(struct json_out *j, const char *key);
/* The same for a name from outside. */
void json_put_key_n(struct json_out *j, const char *key, size_t n);

void json_put_string(struct json_out *j, const char *s); /* NULL: null */
void json_put_string_n(struct json_out *j, const char *s, size_t n);
void json_put_base64(struct json_out *j, const void *bytes, size_t n);
void json_put_uint(struct json_out *j, uint64_t v);
void json_put_ms(struct json_out *j, double seconds); /* as milliseconds; negative or NaN: null */
void json_put_bool(struct json_out *j, bool v);
void json_put_null(struct json_out *j);
void json_put_raw(struct json_out *j, const char *json); /* JSON already */

/* If s is a JSON document, put it without its white space, as one value, all digits of its numbers
 * kept, and return 0. -EBADMSG: it is none, or nested more than 512 deep, and nothing was put. */
int json_put_document(struct json_out *j, const char *s, size_t n);

#endif
