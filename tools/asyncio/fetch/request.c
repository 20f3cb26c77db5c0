/* SPDX-License-Identifier: MIT */
#include "request.h"

#include "json_writer.h"
#include "common/text.h"
#include "url.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* jansson descends recursively, and on a task's stack: it never sees more than this. */
enum { DEPTH = 32, HEADERS = 256 };

void request_spec_free(struct request_spec *s)
{
    for (size_t i = 0; i < s->header_count; i++)
        free(s->headers[i]);
    free(s->headers);
    free(s->id);
    free(s->url);
    free(s->method);
    free(s->body);
    free(s->output);
    *s = (struct request_spec){ 0 };
}

/* The first complaint stands. Returns -EINVAL, which stays inside this file. */
static int __attribute__((format(printf, 2, 3))) wrong(struct request_spec *s, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    if (!s->error[0])
        vsnprintf(s->error, sizeof s->error, fmt, ap);
    va_end(ap);
    return -EINVAL;
}

/* ---- methods and headers ---- */

static bool token(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)s[i]) && (!s[i] || !strchr("!#$%&'*+-.^_`|~", s[i])))
            return false;
    return n > 0;
}

const char *method_check(const char *method)
{
    size_t n = strlen(method);
    return n <= 32 && token(method, n) ? NULL : "is not an HTTP method";
}

static bool ours(const char *header, size_t name)
{
    return (name == 14 && strncasecmp(header, "content-length", 14) == 0) ||
           (name == 17 && strncasecmp(header, "transfer-encoding", 17) == 0);
}

const char *header_check(const char *header, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)header[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return "contains a control character";
    }
    const char *colon = memchr(header, ':', len);
    if (!colon)
        return "is not of the form \"Name: value\"";
    if (!token(header, (size_t)(colon - header)))
        return "has a malformed name";
    if (ours(header, (size_t)(colon - header)))
        return "says how long the body is, which follows from the body";
    return NULL;
}

const char *header_find(char *const *headers, size_t count, const char *name)
{
    size_t n = strlen(name);
    for (size_t i = 0; i < count; i++)
        if (strncasecmp(headers[i], name, n) == 0 && headers[i][n] == ':')
            return headers[i] + n + 1 + strspn(headers[i] + n + 1, " \t");
    return NULL;
}

static int add_header(struct request_spec *s, const char *name, json_t *v)
{
    if (!json_is_string(v))
        return wrong(s, "header %.60s: must be a string, or a list of strings", name);
    if (s->header_count == HEADERS)
        return wrong(s, "more than %d headers", HEADERS);
    struct text t = { 0 };
    text_puts(&t, name);
    if (memchr(name, ':', strlen(name))) {
        text_free(&t);
        return wrong(s, "a header's name contains a colon");
    }
    text_put(&t, ": ", 2);
    text_put(&t, json_string_value(v), json_string_length(v));
    char **grown = t.error ? NULL : reallocarray(s->headers, s->header_count + 1, sizeof *grown);
    if (!grown) {
        text_free(&t);
        return -ENOMEM;
    }
    s->headers = grown;
    s->headers[s->header_count++] = t.data;
    const char *bad = header_check(t.data, t.len);
    return bad ? wrong(s, "header %.60s %s", token(name, strlen(name)) ? name : "?", bad) : 0;
}

/* ---- the fields of a JSON line ---- */

static int copy(char **to, const char *from, size_t n)
{
    *to = malloc(n + 1);
    if (!*to)
        return -ENOMEM;
    memcpy(*to, from, n);
    (*to)[n] = 0;
    return 0;
}

static int set_string(struct request_spec *s, char **to, const char *name, json_t *v)
{
    if (!json_is_string(v))
        return wrong(s, "\"%s\" must be a string", name);
    if (memchr(json_string_value(v), 0, json_string_length(v)))
        return wrong(s, "\"%s\" contains a NUL", name);
    return copy(to, json_string_value(v), json_string_length(v));
}

static int set_json(char **to, json_t *v)
{
    *to = json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(17));
    return *to ? 0 : -ENOMEM;
}

static int set_id(struct request_spec *s, json_t *v)
{
    if (!json_is_string(v) && !json_is_number(v))
        return wrong(s, "\"id\" must be a string or a number");
    if (json_is_string(v)) { /* it is shown: escaped like all that is, which jansson would not do */
        struct text t = { 0 };
        json_put_string_n(&(struct json_out){ .text = &t }, json_string_value(v),
                          json_string_length(v));
        if (t.error)
            text_free(&t);
        s->id = t.data;
        return s->id ? 0 : -ENOMEM;
    }
    if (!json_is_real(v))
        return set_json(&s->id, v);
    char shortest[40]; /* the fewest digits that give the same number: not 1.1000000000000001 */
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(shortest, sizeof shortest, "%.*g", digits, json_real_value(v));
        if (strtod(shortest, NULL) == json_real_value(v)) /* NOLINT: exact on purpose */
            break;
    }
    return copy(&s->id, shortest, strlen(shortest));
}

static int set_headers(struct request_spec *s, json_t *v)
{
    if (!json_is_object(v))
        return wrong(s, "\"headers\" must be an object");
    const char *name;
    json_t *value;
    json_object_foreach (v, name, value) {
        int r = 0;
        size_t n = json_is_array(value) ? json_array_size(value) : 1;
        for (size_t i = 0; i < n && r == 0; i++)
            r = add_header(s, name, json_is_array(value) ? json_array_get(value, i) : value);
        if (r < 0)
            return r;
    }
    return 0;
}

static int set_body(struct request_spec *s, json_t *v)
{
    if (json_is_null(v))
        return 0;
    s->body_json = !json_is_string(v);
    int r = s->body_json ? set_json(&s->body, v)
                         : copy(&s->body, json_string_value(v), json_string_length(v));
    if (r == 0)
        s->body_len = s->body_json ? strlen(s->body) : json_string_length(v);
    return r;
}

static int set_sha256(struct request_spec *s, json_t *v)
{
    const char *hex = json_string_value(v);
    if (!hex || strlen(hex) != 64 || strspn(hex, "0123456789abcdefABCDEF") != 64)
        return wrong(s, "\"sha256\" must be 64 hexadecimal digits");
    for (int i = 0; i < 65; i++)
        s->sha256[i] = (char)tolower((unsigned char)hex[i]);
    return 0;
}

static int set_field(struct request_spec *s, const char *name, json_t *v)
{
    if (strcmp(name, "id") == 0)
        return set_id(s, v);
    if (strcmp(name, "url") == 0)
        return set_string(s, &s->url, name, v);
    if (strcmp(name, "method") == 0)
        return set_string(s, &s->method, name, v);
    if (strcmp(name, "headers") == 0)
        return set_headers(s, v);
    if (strcmp(name, "body") == 0)
        return set_body(s, v);
    if (strcmp(name, "output") == 0)
        return set_string(s, &s->output, name, v);
    if (strcmp(name, "sha256") == 0)
        return set_sha256(s, v);
    return wrong(s,
                 "unknown field \"%.60s\" (known: url, id, method, headers, body, output, "
                 "sha256)",
                 name);
}

/* ---- one line ---- */

static int check_url(struct request_spec *s, size_t len)
{
    const char *bad = url_check(s->url, len);
    return bad ? wrong(s, "the URL %s", bad) : 0;
}

/* All fields are read even after a wrong one, so that the result line has the id and the URL. */
static int read_object(struct request_spec *s, json_t *object)
{
    const char *name;
    json_t *v;
    json_object_foreach (object, name, v) {
        if (set_field(s, name, v) == -ENOMEM)
            return -ENOMEM;
    }
    if (!s->url)
        return wrong(s, "there is no \"url\"");
    const char *bad = s->method ? method_check(s->method) : NULL;
    if (bad)
        return wrong(s, "the method %s", bad);
    return check_url(s, strlen(s->url));
}

/* How deep it nests, if it is JSON; an upper bound otherwise. */
static size_t depth_of(const char *s, size_t n)
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

/* jansson reports some failed allocations as mistakes in the text. So when it calls the text
 * malformed, ask our own reader of documents; what only jansson refuses are escapes for half a
 * surrogate pair. */
static bool no_memory(const json_error_t *e, const char *text, size_t len)
{
    enum json_error_code code = json_error_code(e);
    if (code == json_error_out_of_memory || !e->text[0])
        return true;
    if (code != json_error_invalid_syntax || strncmp(e->text, "invalid Unicode", 15) == 0)
        return false;
    struct text copied = { 0 };
    struct json_out j = { .text = &copied };
    bool fine = json_put_document(&j, text, len) == 0 || copied.error;
    text_free(&copied);
    return fine;
}

static int parse_object(struct request_spec *s, const char *text, size_t len)
{
    if (depth_of(text, len) > DEPTH)
        return wrong(s, "JSON that nests more than %d deep", DEPTH);
    json_error_t e = { 0 };
    json_t *object = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &e);
    if (!object && no_memory(&e, text, len))
        return -ENOMEM;
    if (!object) {
        char *quote = strstr(e.text, " near '"); /* it could quote a password out of a URL */
        if (quote)
            *quote = 0;
        return wrong(s, "not JSON: %s, at column %d", e.text, e.column);
    }
    int r = read_object(s, object);
    json_decref(object);
    return r;
}

int request_spec_parse(struct request_spec *s, const char *text, size_t len)
{
    int r;
    if (len && *text == '{') {
        r = parse_object(s, text, len);
    } else {
        r = copy(&s->url, text, len);
        if (r == 0)
            r = check_url(s, len);
    }
    return r == -ENOMEM ? r : 0;
}
