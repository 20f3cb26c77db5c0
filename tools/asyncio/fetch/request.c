/* SPDX-License-Identifier: MIT */
/* request.c - parse requests, and check all that a user can get wrong. */
#include "request.h"

#include "common/text.h"
#include "http_syntax.h"
#include "json_writer.h"
#include "url.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* jansson parses recursively, and on the small stack of a task, so deeper input is refused
 * before. */
enum { DEPTH_MAX = 32, HEADERS_MAX = 256 };

void request_free(struct request *rq)
{
    for (size_t i = 0; i < rq->header_count; i++)
        free(rq->headers[i]);
    free(rq->headers);
    free(rq->id);
    free(rq->url);
    free(rq->method);
    free(rq->body);
    free(rq->output);
    *rq = (struct request){ 0 };
}

/* Record what is wrong with the input; the first error stays. Returns -EINVAL, which does not leave
 * this file. */
static int __attribute__((format(printf, 2, 3)))
reject_request(struct request *rq, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    if (!rq->error[0])
        vsnprintf(rq->error, sizeof rq->error, fmt, ap);
    va_end(ap);
    return -EINVAL;
}

/* ---- the fields of a JSON line ---- */

/* Append one header to the request. */
static int add_header(struct request *rq, const char *name, json_t *v)
{
    if (!json_is_string(v))
        return reject_request(rq, "header %.60s must be a string, or a list of strings", name);
    if (rq->header_count == HEADERS_MAX)
        return reject_request(rq, "more than %d headers", HEADERS_MAX);
    struct text t = { 0 };
    text_puts(&t, name);
    if (memchr(name, ':', strlen(name))) {
        text_free(&t);
        return reject_request(rq, "the name of a header contains a colon");
    }
    text_put(&t, ": ", 2);
    text_put(&t, json_string_value(v), json_string_length(v));
    char **grown = t.error ? NULL : reallocarray(rq->headers, rq->header_count + 1, sizeof *grown);
    if (!grown) {
        text_free(&t);
        return -ENOMEM;
    }
    rq->headers = grown;
    rq->headers[rq->header_count++] = t.data;
    const char *bad = header_check(t.data, t.len);
    return bad ? reject_request(rq, "header %.60s %s",
                                is_http_token(name, strlen(name)) ? name : "?", bad)
               : 0;
}

/* Copy a string of known length. */
static int copy_string(char **to, const char *from, size_t n)
{
    *to = malloc(n + 1);
    if (!*to)
        return -ENOMEM;
    memcpy(*to, from, n);
    (*to)[n] = 0;
    return 0;
}

static int set_string(struct request *rq, char **to, const char *name, json_t *v)
{
    if (!json_is_string(v))
        return reject_request(rq, "\"%s\" must be a string", name);
    if (memchr(json_string_value(v), 0, json_string_length(v)))
        return reject_request(rq, "\"%s\" contains a NUL", name);
    return copy_string(to, json_string_value(v), json_string_length(v));
}

static int set_json(char **to, json_t *v)
{
    *to = json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(17));
    return *to ? 0 : -ENOMEM;
}

/* Set an id that is a string. Our own writer escapes it, since jansson lets some control characters
 * pass. */
static int set_string_id(struct request *rq, json_t *v)
{
    struct text t = { 0 };
    struct json_writer j = { .text = &t };
    json_put_string_n(&j, json_string_value(v), json_string_length(v));
    if (t.error)
        text_free(&t);
    rq->id = t.data;
    return rq->id ? 0 : -ENOMEM;
}

/* Set an id that is a fraction, with the fewest digits that give the same number: 1.1, rather than
 * 1.1000000000000001. Without a point or an exponent, the number would be read as an integer. */
static int set_real_id(struct request *rq, double v)
{
    char shortest[40];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(shortest, sizeof shortest, "%.*g", digits, v);
        if (strtod(shortest, NULL) == v)
            break;
    }
    if (!strpbrk(shortest, ".e"))
        strcat(shortest, ".0");
    return copy_string(&rq->id, shortest, strlen(shortest));
}

static int set_id(struct request *rq, json_t *v)
{
    if (!json_is_string(v) && !json_is_number(v))
        return reject_request(rq, "\"id\" must be a string or a number");
    if (json_is_string(v))
        return set_string_id(rq, v);
    return json_is_real(v) ? set_real_id(rq, json_real_value(v)) : set_json(&rq->id, v);
}

/* Set the headers from an object whose values are strings or lists of strings. */
static int set_headers(struct request *rq, json_t *v)
{
    if (!json_is_object(v))
        return reject_request(rq, "\"headers\" must be an object");
    const char *name;
    json_t *value;
    json_object_foreach (v, name, value) {
        int r = 0;
        size_t n = json_is_array(value) ? json_array_size(value) : 1;
        for (size_t i = 0; i < n && r == 0; i++)
            r = add_header(rq, name, json_is_array(value) ? json_array_get(value, i) : value);
        if (r < 0)
            return r;
    }
    return 0;
}

static int set_body(struct request *rq, json_t *v)
{
    if (json_is_null(v))
        return 0;
    rq->body_json = !json_is_string(v);
    int r = rq->body_json ? set_json(&rq->body, v)
                          : copy_string(&rq->body, json_string_value(v), json_string_length(v));
    if (r == 0)
        rq->body_len = rq->body_json ? strlen(rq->body) : json_string_length(v);
    return r;
}

static int set_sha256(struct request *rq, json_t *v)
{
    const char *hex = json_string_value(v);
    if (!hex || strlen(hex) != 64 || strspn(hex, "0123456789abcdefABCDEF") != 64)
        return reject_request(rq, "\"sha256\" must be 64 hexadecimal digits");
    for (int i = 0; i < 65; i++)
        rq->sha256[i] = (char)tolower((unsigned char)hex[i]);
    return 0;
}

/* Set a number that is not negative. */
static int set_number(struct request *rq, double *to, const char *name, json_t *v)
{
    double n = json_number_value(v);
    if (!json_is_number(v) || !(n >= 0 && n <= 1e15))
        return reject_request(rq, "\"%s\" must be a number that is not negative", name);
    *to = n;
    return 0;
}

static int set_limit(struct request *rq, const char *name, json_t *v)
{
    double n = -1;
    int r = set_number(rq, &n, name, v);
    if (r < 0)
        return r;
    if (strcmp(name, "timeout") == 0)
        rq->timeout = n;
    else if (strcmp(name, "max_body") == 0)
        rq->max_body = (int64_t)n;
    else
        rq->retries = n < 1000 ? (long)n : 1000;
    return 0;
}

/* Set the member of the request that has this name. */
static int set_field(struct request *rq, const char *name, json_t *v)
{
    if (strcmp(name, "id") == 0)
        return set_id(rq, v);
    if (strcmp(name, "url") == 0)
        return set_string(rq, &rq->url, name, v);
    if (strcmp(name, "method") == 0)
        return set_string(rq, &rq->method, name, v);
    if (strcmp(name, "headers") == 0)
        return set_headers(rq, v);
    if (strcmp(name, "body") == 0)
        return set_body(rq, v);
    if (strcmp(name, "output") == 0)
        return set_string(rq, &rq->output, name, v);
    if (strcmp(name, "sha256") == 0)
        return set_sha256(rq, v);
    if (strcmp(name, "timeout") == 0 || strcmp(name, "max_body") == 0 ||
        strcmp(name, "retries") == 0)
        return set_limit(rq, name, v);
    return reject_request(rq,
                          "unknown field \"%.60s\" (known: url, id, method, headers, body, output, "
                          "sha256, timeout, max_body, retries)",
                          name);
}

/* ---- one line ---- */

static int check_request_url(struct request *rq, size_t len)
{
    const char *bad = url_check(rq->url, len);
    return bad ? reject_request(rq, "the URL %s", bad) : 0;
}

/* Read all fields even after a wrong one, so that the result line contains the id and the URL. */
static int read_object(struct request *rq, json_t *object)
{
    const char *name;
    json_t *v;
    json_object_foreach (object, name, v) {
        if (set_field(rq, name, v) == -ENOMEM)
            return -ENOMEM;
    }
    if (!rq->url)
        return reject_request(rq, "there is no \"url\"");
    const char *bad = rq->method ? method_check(rq->method) : NULL;
    if (bad)
        return reject_request(rq, "the method %s", bad);
    return check_request_url(rq, strlen(rq->url));
}

/* Return how deep the text nests if it is JSON, and an upper bound otherwise. */
static size_t measure_depth(const char *s, size_t n)
{
    size_t depth = 0, most = 0;
    bool quoted = false;
    for (size_t i = 0; i < n; i++) {
        if (quoted && s[i] == '\\')
            i++;
        else if (s[i] == '"')
            quoted = !quoted;
        else if (!quoted && (s[i] == '{' || s[i] == '['))
            most = ++depth > most ? depth : most;
        else if (!quoted && (s[i] == '}' || s[i] == ']') && depth)
            depth--;
    }
    return most;
}

/* Was parsing stopped by a failed allocation? jansson reports some of these as errors of the text.
 * If it calls the text malformed, our own reader of documents decides. The only text that jansson
 * alone refuses has escapes for half a surrogate pair. */
static bool is_out_of_memory(const json_error_t *e, const char *text, size_t len)
{
    enum json_error_code code = json_error_code(e);
    if (code == json_error_out_of_memory || !e->text[0])
        return true;
    if (code != json_error_invalid_syntax || strncmp(e->text, "invalid Unicode", 15) == 0)
        return false;
    struct text copied = { 0 };
    struct json_writer j = { .text = &copied };
    bool fine = json_put_document(&j, text, len) == 0 || copied.error;
    text_free(&copied);
    return fine;
}

/* Parse a JSON object. The message of jansson is cut before its quotation of the text. */
static int parse_object(struct request *rq, const char *text, size_t len)
{
    if (measure_depth(text, len) > DEPTH_MAX)
        return reject_request(rq, "JSON nests more than %d levels deep", DEPTH_MAX);
    json_error_t e = { 0 };
    json_t *object = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &e);
    if (!object && is_out_of_memory(&e, text, len))
        return -ENOMEM;
    if (!object) {
        char *quote = strstr(e.text, " near '"); /* it may quote a password in a URL */
        if (quote)
            *quote = 0;
        return reject_request(rq, "not JSON: %s, at column %d", e.text, e.column);
    }
    int r = read_object(rq, object);
    json_decref(object);
    return r;
}

int request_parse(struct request *rq, const char *text, size_t len)
{
    int r;
    rq->timeout = -1;
    rq->max_body = rq->retries = -1;
    if (len && *text == '{') {
        r = parse_object(rq, text, len);
    } else {
        r = copy_string(&rq->url, text, len);
        if (r == 0)
            r = check_request_url(rq, len);
    }
    return r == -ENOMEM ? r : 0;
}
