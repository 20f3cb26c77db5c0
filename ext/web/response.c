/* SPDX-License-Identifier: MIT */
#include "response.h"

#include "token.h"

#include <asyncio/error.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct async_web_page {
    int status;
    const char *type;
    const void *bytes;
    size_t size;
    struct MHD_Response *response;
};

/* --- what may be in a header --- */

/* Without control characters: a line break in a value would begin another header. */
static bool is_valid_value(const char *text)
{
    for (; *text; text++)
        if (((unsigned char)*text < ' ' && *text != '\t') || *text == 0x7f)
            return false;
    return true;
}

/* Content-Length and Transfer-Encoding are MHD's business: a wrong one would make the client
 * read the next response in the wrong place. Of Connection only "close" has a meaning here. */
static bool is_reserved(const char *name, const char *value)
{
    return strcasecmp(name, "Content-Length") == 0 || strcasecmp(name, "Transfer-Encoding") == 0 ||
           (strcasecmp(name, "Connection") == 0 && strcasecmp(value, "close") != 0);
}

int web_response_add_header(struct web_response *r, struct web_arena *arena, const char *name,
                            const char *value)
{
    if (!web_is_token(name) || !is_valid_value(value))
        return async_fail(-EINVAL, "invalid name or value of a response header");
    if (is_reserved(name, value))
        return async_fail(-EINVAL, "the server itself sets the response header %s", name);
    struct web_header *h = web_arena_alloc(arena, sizeof *h), **end = &r->headers;
    char *n = web_arena_copy(arena, name, strlen(name));
    char *v = web_arena_copy(arena, value, strlen(value));
    if (!h || !n || !v)
        return -ENOMEM;
    while (*end)
        end = &(*end)->next;
    *h = (struct web_header){ NULL, n, v };
    *end = h;
    return 0;
}

/* --- status and body --- */

static bool is_valid(int status, const char *type)
{
    return status >= 200 && status <= 599 && (!type || is_valid_value(type));
}

int web_response_check(int status, const char *type)
{
    if (!is_valid(status, type))
        return async_fail(-EINVAL, "invalid status or content type of a response: %d", status);
    return 0;
}

/* Return body with its type. Without memory body is freed and the result is NULL. */
static struct MHD_Response *with_type(struct MHD_Response *body, const char *type)
{
    if (body && type && MHD_add_response_header(body, "Content-Type", type) != MHD_YES) {
        MHD_destroy_response(body);
        return NULL;
    }
    return body;
}

int web_response_set(struct web_response *r, int status, const char *type,
                     struct MHD_Response *body, uint64_t size)
{
    body = with_type(body, type);
    if (!body)
        return -ENOMEM;
    r->body = body;
    r->size = size;
    r->status = status;
    return 0;
}

void web_response_set_error(struct web_response *r, int status)
{
    char text[128];
    const char *reason = MHD_get_reason_phrase_for((unsigned)status);
    size_t n = (size_t)snprintf(text, sizeof text, "%d %s\n", status, reason);
    struct MHD_Response *body = MHD_create_response_from_buffer(n, text, MHD_RESPMEM_MUST_COPY);
    if (web_response_set(r, status, "text/plain; charset=utf-8", body, n) < 0)
        r->status = 0;
}

void web_response_set_page(struct web_response *r, const async_web_page *page)
{
    r->page = page;
    r->status = page->status;
    r->size = page->size;
}

void web_response_free(struct web_response *r)
{
    if (r->body)
        MHD_destroy_response(r->body);
}

/* --- to MHD --- */

/* A page is shared by many requests. One that gets headers of its own needs a body of its own. */
static bool unshare_page(struct web_response *r)
{
    const async_web_page *p = r->page;
    r->page = NULL;
    return web_response_set(r, p->status, p->type,
                            MHD_create_response_from_buffer(p->size, (void *)(uintptr_t)p->bytes,
                                                            MHD_RESPMEM_PERSISTENT),
                            p->size) == 0;
}

/* Add a header. A Content-Type replaces the one that the response was made with. */
static bool set_header(struct MHD_Response *body, const char *name, const char *value)
{
    static const char type[] = "Content-Type";
    if (strcasecmp(name, type) != 0)
        return MHD_add_response_header(body, name, value) == MHD_YES;
    const char *old = MHD_get_response_header(body, type);
    if (old)
        MHD_del_response_header(body, type, old);
    return MHD_add_response_header(body, type, value) == MHD_YES;
}

/* "Connection: close" goes first: MHD 0.9 forgets then that it has a Date, and would add
 * another. */
static bool add_headers(struct web_response *r, bool close)
{
    for (const struct web_header *h = r->headers; h; h = h->next)
        close |= strcasecmp(h->name, "Connection") == 0;
    if (close && MHD_add_response_header(r->body, "Connection", "close") != MHD_YES)
        return false;
    for (const struct web_header *h = r->headers; h; h = h->next)
        if (strcasecmp(h->name, "Connection") != 0 && !set_header(r->body, h->name, h->value))
            return false;
    return true;
}

enum MHD_Result web_response_queue(struct web_response *r, struct MHD_Connection *mhd, bool close)
{
    if (r->status == 0)
        return MHD_NO;
    if (r->page && !r->headers && !close)
        return MHD_queue_response(mhd, (unsigned)r->status, r->page->response);
    if ((r->page && !unshare_page(r)) || !add_headers(r, close))
        return MHD_NO;
    enum MHD_Result queued = MHD_queue_response(mhd, (unsigned)r->status, r->body);
    MHD_destroy_response(r->body);
    r->body = NULL;
    return queued;
}

/* --- pages --- */

async_web_page *async_web_page_new(int status, const char *type, const void *bytes, size_t size)
{
    if (!is_valid(status, type)) {
        errno = EINVAL;
        return NULL;
    }
    async_web_page *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    *p = (async_web_page){ status, type ? strdup(type) : NULL, bytes, size, NULL };
    p->response = with_type(
            MHD_create_response_from_buffer(size, (void *)(uintptr_t)bytes, MHD_RESPMEM_PERSISTENT),
            type);
    if (!p->response || (type && !p->type)) {
        async_web_page_free(p);
        errno = ENOMEM;
        return NULL;
    }
    return p;
}

void async_web_page_free(async_web_page *p)
{
    if (!p)
        return;
    if (p->response)
        MHD_destroy_response(p->response);
    free((char *)(uintptr_t)p->type);
    free(p);
}
