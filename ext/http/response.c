/* SPDX-License-Identifier: MIT */
/* response.c - headers and bodies as libcurl delivers them, within limits. Everything here runs
 * inside libcurl: no call back into it but for information, and a failure is noted and ends the
 * transfer. */
#include "http_internal.h"

#include <stdlib.h>
#include <strings.h>

#define REFUSE(...) (http_fail(__VA_ARGS__), false)

/* --- headers --- */

struct line { /* name: value, without the spaces around */
    const char *name, *value;
    size_t name_size, value_size;
};

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool split(const char *s, size_t n, struct line *ret)
{
    const char *colon = memchr(s, ':', n), *value, *end = s + n;
    if (!colon || colon == s || *s == ' ' || *s == '\t') /* the latter: a folded line, long abolished */
        return false;
    for (value = colon + 1; value < end && (*value == ' ' || *value == '\t'); value++)
        ;
    while (end > value && blank(end[-1]))
        end--;
    *ret = (struct line){ s, value, (size_t)(colon - s), (size_t)(end - value) };
    return true;
}

static bool named(const struct line *l, const char *name)
{
    return l->name_size == strlen(name) && strncasecmp(l->name, name, l->name_size) == 0;
}

static bool field_add(struct http_response *res, const struct line *l)
{
    async_http_field *f = http_arena_alloc(&res->arena, sizeof *f);
    char *name = http_arena_text(&res->arena, l->name, l->name_size);
    char *value = http_arena_text(&res->arena, l->value, l->value_size);
    if (!f || !name || !value)
        return REFUSE(&res->error, ASYNC_HTTP_RESOURCES, "no memory for the headers");
    *f = (async_http_field){ .name = name, .value = value };
    if (res->last_field)
        res->last_field->next = f;
    else
        res->pub.headers = f;
    res->last_field = f;
    return true;
}

/* Two different lengths: somebody on the way may have believed the other one. libcurl takes the
 * last. */
static bool note_length(struct http_response *res, const char *value)
{
    char *end;
    errno = 0;
    long long n = strtoll(value, &end, 10);
    if (n < 0 || errno || end == value || *end)
        return true; /* libcurl's to judge */
    if (res->content_length >= 0 && res->content_length != n)
        return REFUSE(&res->error, ASYNC_HTTP_PROTOCOL, "two content lengths, %lld and %lld",
                      (long long)res->content_length, n);
    res->content_length = n;
    return true;
}

static bool field_use(struct http_response *res, const struct line *l)
{
    const char *value = res->last_field->value;
    if (named(l, "Content-Length"))
        return note_length(res, value);
    if (named(l, "Content-Encoding"))
        res->encoded |= res->decompress && strcasecmp(value, "identity") != 0;
    else if (named(l, "Transfer-Encoding")) /* libcurl undoes these though we ask for none */
        res->encoded |= strcasecmp(value, "chunked") != 0;
    else if (named(l, "Location") && !res->location && *value)
        res->location = value;
    return true;
}

/* "HTTP/1.1 200 OK": a response begins, the first or the one after a 100. */
static bool status_line(struct http_response *res, const char *s, size_t n)
{
    const char *space = memchr(s, ' ', n), *end = s + n;
    http_response_next_hop(res);
    res->headers_begun = true;
    while (end > s && blank(end[-1]))
        end--;
    if (!space || end - space < 4)
        return true;
    const char *reason = space + 4 < end ? space + 5 : end;
    char *copy = http_arena_text(&res->arena, reason, (size_t)(end - reason));
    res->pub.reason = copy ? copy : "";
    return true;
}

static bool is_redirect(int status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static bool headers_end(struct http_transfer *t)
{
    struct http_response *res = t->res;
    long status = 0;
    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status < 200) {
        res->headers_begun = false;
        return true;
    }
    res->pub.status = (int)status;
    res->headers_done = true;
    res->redirect = res->follow && is_redirect(res->pub.status) && res->location;
    if (res->redirect)
        return true;
    if (!res->head && !res->encoded && res->content_length > 0 &&
        (uint64_t)res->content_length > res->max_body)
        return REFUSE(&res->error, ASYNC_HTTP_TOO_LARGE, "a body of %lld bytes is announced, the limit is %zu",
                      (long long)res->content_length, res->max_body);
    if (res->stream) {
        res->opened = true;
        async_event_set(&res->turn);
    }
    return true;
}

size_t http_response_on_header(char *data, size_t one, size_t n, void *arg)
{
    struct http_transfer *t = arg;
    struct http_response *res = t->res;
    struct line l;
    bool ok = true;
    n *= one;
    res->header_bytes += n;
    if (res->header_bytes > HTTP_MAX_HEADERS)
        ok = REFUSE(&res->error, ASYNC_HTTP_TOO_LARGE, "more than %d bytes of headers", HTTP_MAX_HEADERS);
    else if (!res->headers_begun && n > 5 && memcmp(data, "HTTP/", 5) == 0)
        ok = status_line(res, data, n);
    else if (res->headers_done)
        ok = true; /* a trailer */
    else if (n <= 2 && (data[0] == '\r' || data[0] == '\n'))
        ok = headers_end(t);
    else if (split(data, n, &l))
        ok = field_add(res, &l) && field_use(res, &l);
    return ok ? n : 0;
}

/* --- bodies --- */

/* Room for n more and a NUL. A small body with a length gets exactly what it needs. */
static bool body_grow(struct http_response *res, size_t n)
{
    size_t need = res->pub.size + n + 1, hint = (size_t)res->content_length + 1;
    if (need <= res->capacity)
        return true;
    size_t size = res->capacity ? res->capacity * 2 : 1024;
    if (!res->capacity && res->content_length >= 0 && !res->encoded)
        size = hint < HTTP_FIRST_LENGTH ? hint : HTTP_FIRST_LENGTH;
    if (size < need)
        size = need;
    char *p = realloc(res->store, size);
    if (!p)
        return REFUSE(&res->error, ASYNC_HTTP_RESOURCES, "no memory for a body of %zu bytes", need);
    res->pub.body = res->store = p;
    res->capacity = size;
    return true;
}

static size_t body_put(struct http_response *res, const char *data, size_t n)
{
    if (!body_grow(res, n))
        return 0;
    memcpy(res->store + res->pub.size, data, n);
    res->pub.size += n;
    res->store[res->pub.size] = '\0';
    return n;
}

/* A bomb is small when it comes and large when it is unpacked. */
static bool within_limits(struct http_transfer *t, size_t n)
{
    struct http_response *res = t->res;
    size_t size = res->pub.size + n;
    if (size > res->max_body)
        return REFUSE(&res->error, ASYNC_HTTP_TOO_LARGE, "the body is larger than %zu bytes", res->max_body);
    if (!res->encoded || size <= (size_t)HTTP_BOMB * HTTP_PIECE)
        return true;
    curl_off_t wire = 0;
    curl_easy_getinfo(t->easy, CURLINFO_SIZE_DOWNLOAD_T, &wire);
    /* the piece at hand may not be counted yet */
    if (size / HTTP_BOMB <= (uint64_t)wire + HTTP_PIECE)
        return true;
    return REFUSE(&res->error, ASYNC_HTTP_TOO_LARGE, "%lld bytes unpack to more than %zu", (long long)wire,
                  size);
}

size_t http_response_on_body(char *data, size_t one, size_t n, void *arg)
{
    struct http_transfer *t = arg;
    struct http_response *res = t->res;
    n *= one;
    if (res->redirect) {
        res->discarded += n;
        return res->discarded > HTTP_MAX_DISCARD ? 0 : n;
    }
    if (res->stream && http_stream_refuses(res))
        return CURL_WRITEFUNC_PAUSE;
    if (!within_limits(t, n))
        return 0;
    if (!res->stream)
        return body_put(res, data, n);
    res->pub.size += n;
    return http_stream_put(res, data, n);
}

/* --- the object --- */

struct http_response *http_response_new(void)
{
    struct http_response *res = calloc(1, sizeof *res);
    if (!res)
        return NULL;
    http_arena_init(&res->arena);
    res->pub.url = res->pub.body = "";
    res->pub.remote_ip = res->remote_ip;
    res->pub.error_text = res->error.text;
    res->readable = (async_semaphore)ASYNC_BOUNDED_SEMAPHORE(1); /* the first time in vain */
    http_response_next_hop(res);
    return res;
}

/* Forget the headers of the hop before; what they point to stays. */
void http_response_next_hop(struct http_response *res)
{
    res->pub.status = 0;
    res->pub.reason = "";
    res->pub.headers = NULL;
    res->last_field = NULL;
    res->location = NULL;
    res->content_length = -1;
    res->headers_begun = res->headers_done = res->encoded = res->redirect = false;
    res->discarded = 0;
}

/* Nothing more will come. Whoever waits for headers, end or bytes goes on. */
void http_response_over(struct http_response *res, int code)
{
    res->over = true;
    res->result = code;
    res->pub.error = res->error.kind;
    res->pub.code = res->error.code;
    res->pub.times.total = async_time() - res->began;
    async_event_set(&res->turn);
    http_stream_tell(res);
}

void async_http_response_free(async_http_response *response)
{
    struct http_response *res = (struct http_response *)response;
    if (!res)
        return;
    if (res->transfer)
        http_transfer_detach(res->transfer);
    if (res->secret)
        explicit_bzero(res->secret, res->secret_size);
    free(res->store);
    http_arena_free(&res->arena);
    free(res);
}

void async_http_response_drop(async_http_response **response)
{
    async_http_response_free(*response);
    *response = NULL;
}

const char *async_http_header(const async_http_response *response, const char *name)
{
    for (const async_http_field *f = response->headers; f; f = f->next)
        if (strcasecmp(f->name, name) == 0)
            return f->value;
    return NULL;
}

double async_http_retry_after(const async_http_response *response)
{
    const char *value = async_http_header(response, "Retry-After");
    if (!value || !*value)
        return -1;
    size_t digits = strspn(value, "0123456789");
    if (digits)
        return value[digits] ? -1 : digits > 15 ? 1e15 : strtod(value, NULL);
    time_t when = curl_getdate(value, NULL), now = time(NULL);
    return when == -1 ? -1 : when > now ? (double)(when - now) : 0;
}

char *async_http_take_body(async_http_response *response, size_t *ret_size)
{
    struct http_response *res = (struct http_response *)response;
    if (res->stream)
        return NULL;
    char *body = res->store ? res->store : calloc(1, 1);
    if (!body)
        return NULL;
    *ret_size = response->size;
    res->store = NULL;
    res->capacity = 0;
    response->body = "";
    response->size = 0;
    return body;
}
