/* SPDX-License-Identifier: MIT */
/* response.c - the object that await_http_request() and await_http_open() return. */
#include "response.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "content_decoding.h"

struct http_response *http_response_new(void)
{
    struct http_response *res = calloc(1, sizeof *res);
    if (!res)
        return NULL;
    http_arena_init(&res->arena);
    res->pub.url = res->pub.body = "";
    res->pub.remote_ip = res->remote_ip;
    res->pub.error_text = res->error.text;
    /* The first unit is there from the start. It costs the first read one look at an empty
     * store. */
    res->readable = (async_semaphore)ASYNC_BOUNDED_SEMAPHORE(1);
    http_response_next_hop(res);
    return res;
}

void http_response_next_hop(struct http_response *res)
{
    res->pub.status = 0;
    res->pub.reason = "";
    res->pub.headers = NULL;
    res->last_field = NULL;
    res->location = NULL;
    res->content_length = -1;
    res->headers_begun = res->headers_done = false;
    res->encoded = res->coded = res->redirect = res->body_refused = false;
    res->discarded = 0;
}

/* The semaphore is bounded, since one unit is enough however much has happened. */
void http_response_wake_reader(struct http_response *res)
{
    async_ignore(async_semaphore_release(&res->readable));
}

void http_response_finish(struct http_response *res, int code)
{
    res->finished = true;
    res->result = code;
    res->pub.error = res->error.kind;
    res->pub.code = res->error.code;
    res->pub.times.total = async_time() - res->began;
    http_decoders_free(res->decoder);
    res->decoder = NULL;
    async_event_set(&res->ready);
    http_response_wake_reader(res);
}

int http_response_check_end(struct http_response *res)
{
    if (http_decoder_complete(res->decoder))
        return 0;
    return http_fail_errno(&res->error, ASYNC_HTTP_RESET, -ENODATA,
                           "compressed body ended before it was complete");
}

void http_response_stop(struct http_response *res)
{
    if (res->source)
        res->source->ops->stop(res->source);
}

void async_http_response_free(async_http_response *response)
{
    struct http_response *res = (struct http_response *)response;
    if (!res)
        return;
    http_response_stop(res);
    http_decoders_free(res->decoder);
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

/* Retry-After is a number of seconds without a fraction, or a date. A number with anything behind
 * it is neither; one that strtod() might read as infinity becomes 1e15. */
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
    if (ret_size)
        *ret_size = response->size;
    res->store = NULL;
    res->capacity = 0;
    response->body = "";
    response->size = 0;
    return body;
}
