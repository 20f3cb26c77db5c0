/* SPDX-License-Identifier: MIT */
/* response_body.c - receive the body of a response within its limits. It is kept, passed to the
 * reader of a stream, or thrown away if it belongs to a redirect. All of this runs inside
 * libcurl. */
#include "response_body.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "content_decoding.h"
#include "response.h"
#include "stream.h"

enum {
    MAX_DISCARDED = 64 * 1024, /* bytes of a redirect's body; more are dearer than a connection */
    MAX_RATIO = 100,           /* decompressed by received bytes */
    PREALLOCATE_MAX = 1024 * 1024, /* bytes allocated on the strength of Content-Length alone */
};

#define REFUSE(...) (http_fail(__VA_ARGS__), false)

/* Make room for n more bytes and a NUL. A small body with a Content-Length gets exactly what it
 * needs. */
static bool grow_body(struct http_response *res, size_t n)
{
    size_t need = res->pub.size + n + 1, announced = (size_t)res->content_length + 1;
    if (need <= res->capacity)
        return true;
    size_t size = res->capacity ? res->capacity * 2 : 1024;
    if (!res->capacity && res->content_length >= 0 && !res->encoded)
        size = announced < PREALLOCATE_MAX ? announced : PREALLOCATE_MAX;
    if (size < need)
        size = need;
    char *p = realloc(res->store, size);
    if (!p)
        return REFUSE(&res->error, ASYNC_HTTP_RESOURCES, "out of memory for the body (%zu)", need);
    res->pub.body = res->store = p;
    res->capacity = size;
    return true;
}

static bool append_body(struct http_response *res, const char *data, size_t n)
{
    if (!grow_body(res, n))
        return false;
    memcpy(res->store + res->pub.size, data, n);
    res->pub.size += n;
    res->store[res->pub.size] = '\0';
    return true;
}

/* Check .max_body, and that the body is not a decompression bomb, which is small when it is
 * received and huge when it is unpacked. libcurl may not have counted the piece at hand yet. */
static bool check_body_size(struct http_response *res, size_t n)
{
    size_t size = res->pub.size + n;
    if (size > res->max_body)
        return REFUSE(&res->error, ASYNC_HTTP_TOO_LARGE,
                      "body is larger than the limit of %zu bytes", res->max_body);
    if (!res->encoded || size <= (size_t)MAX_RATIO * HTTP_READ_SIZE)
        return true;
    res->source->ops->measure(res->source);
    if (size / MAX_RATIO <= res->pub.wire_size + HTTP_READ_SIZE)
        return true;
    return REFUSE(&res->error, ASYNC_HTTP_TOO_LARGE,
                  "decompression bomb: %llu bytes unpack to more than %zu",
                  (unsigned long long)res->pub.wire_size, size);
}

/* Take bytes of the body that are not compressed, or not any more. */
static bool take_bytes(void *arg, const char *data, size_t n)
{
    struct http_response *res = arg;
    if (!check_body_size(res, n))
        return false;
    if (!res->stream)
        return append_body(res, data, n);
    res->pub.size += n;
    return http_stream_put(res, data, n);
}

/* --- Content-Encoding --- */

static int fail_decoding(struct http_response *res, int code, const char *coding)
{
    struct http_error *e = &res->error;
    if (code == -ENOMEM)
        return http_fail(e, ASYNC_HTTP_RESOURCES, "out of memory for decompressing the body");
    if (code == -EPROTONOSUPPORT)
        return http_fail(e, ASYNC_HTTP_PROTOCOL, "unsupported Content-Encoding: %.60s", coding);
    return http_fail(e, ASYNC_HTTP_PROTOCOL, "body is not what its Content-Encoding says: %.60s",
                     coding);
}

/* Add a decoder for each coding of a header, such as "gzip, br". */
static int add_decoders(struct http_response *res, const char *codings)
{
    int r = 0;
    for (const char *p = codings; r == 0 && *p; p += strspn(p, ", \t")) {
        size_t n = strcspn(p, ", \t");
        r = n ? http_decoder_add(&res->decoder, p, n) : 0;
        p += n;
    }
    return r < 0 ? fail_decoding(res, r, codings) : 0;
}

static int make_decoders(struct http_response *res)
{
    int r = 0;
    for (const async_http_field *f = res->pub.headers; r == 0 && f; f = f->next)
        if (strcasecmp(f->name, "Content-Encoding") == 0)
            r = add_decoders(res, f->value);
    return r;
}

static bool decode_body(struct http_response *res, const char *data, size_t n)
{
    if (!res->decoder && make_decoders(res) < 0)
        return false;
    int r = http_decode(res->decoder, data, n, take_bytes, res);
    if (r < 0 && r != -ECANCELED)
        fail_decoding(res, r, async_http_header(&res->pub, "Content-Encoding"));
    return r == 0;
}

enum http_body_result http_response_body(struct http_response *res, const char *data, size_t n)
{
    if (res->redirect) {
        res->discarded += n;
        res->body_refused = res->discarded > MAX_DISCARDED;
        return res->body_refused ? HTTP_BODY_FAILED : HTTP_BODY_TAKEN;
    }
    if (res->stream && http_stream_is_full(res))
        return HTTP_BODY_PAUSED;
    bool taken = res->coded ? decode_body(res, data, n) : take_bytes(res, data, n);
    return taken ? HTTP_BODY_TAKEN : HTTP_BODY_FAILED;
}
