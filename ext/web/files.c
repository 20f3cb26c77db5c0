/* SPDX-License-Identifier: MIT */
/* files.c - respond with a file. It is opened on a thread, because a disk may be slow, and sent by
 * MHD, which lets the kernel copy it to the socket. */
#include "file_conditions.h"
#include "file_open.h"
#include "request.h"

#include <asyncio/error.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

ASYNC_THREAD(open_web_file, (struct web_file *)f)
{
    return web_file_open(f);
}

/* --- headers --- */

static struct web_file_request read_conditions(async_web_request *rq)
{
    return (struct web_file_request){
        .if_match = async_web_header(rq, "If-Match"),
        .if_none_match = async_web_header(rq, "If-None-Match"),
        .if_modified_since = async_web_header(rq, "If-Modified-Since"),
        .if_unmodified_since = async_web_header(rq, "If-Unmodified-Since"),
        .range = async_web_header(rq, "Range"),
        .if_range = async_web_header(rq, "If-Range"),
    };
}

static int add_cache_control(async_web_request *rq, const struct async_web_file_opts *o)
{
    char text[64] = "no-cache"; /* caches may keep it, but must ask whether it has changed */
    if (o->max_age > 0)
        snprintf(text, sizeof text, "public, max-age=%.0f%s", o->max_age,
                 o->immutable ? ", immutable" : "");
    return async_web_add_header(rq, "Cache-Control", text);
}

/* Quotation marks and backslashes could end the name early; other readers take bytes above 0x7f for
 * another character set. */
static int add_disposition(async_web_request *rq, const char *name)
{
    char text[300] = "attachment; filename=\"";
    size_t n = strlen(text);
    for (; *name && n < sizeof text - 2; name++)
        text[n++] =
                strchr("\"\\", *name) || (unsigned char)*name < ' ' || (unsigned char)*name >= 0x7f
                        ? '_'
                        : *name;
    text[n++] = '"';
    text[n] = '\0';
    return async_web_add_header(rq, "Content-Disposition", text);
}

static int add_range(async_web_request *rq, int status, uint64_t first, uint64_t size,
                     uint64_t whole)
{
    char text[80];
    if (status == 416)
        snprintf(text, sizeof text, "bytes */%llu", (unsigned long long)whole);
    else
        snprintf(text, sizeof text, "bytes %llu-%llu/%llu", (unsigned long long)first,
                 (unsigned long long)(first + size - 1), (unsigned long long)whole);
    return async_web_add_header(rq, "Content-Range", text);
}

static int add_file_headers(async_web_request *rq, const struct web_file_tag *tag,
                            const struct async_web_file_opts *o)
{
    int r = async_web_add_header(rq, "ETag", tag->etag);
    if (r == 0)
        r = async_web_add_header(rq, "Last-Modified", tag->last_modified);
    if (r == 0)
        r = async_web_add_header(rq, "Accept-Ranges", "bytes");
    if (r == 0)
        r = async_web_add_header(rq, "X-Content-Type-Options", "nosniff");
    if (r == 0 && o->download)
        r = add_disposition(rq, o->download);
    return r < 0 ? r : add_cache_control(rq, o);
}

/* --- responses --- */

/* Respond with a part of the file. MHD owns the descriptor from then on. */
static int respond_with_part(async_web_request *rq, int status, const char *type,
                             struct web_file *f, uint64_t first, uint64_t size)
{
    if (size == 0)
        return async_web_respond_static(rq, status, type, "", 0);
    struct MHD_Response *body = MHD_create_response_from_fd_at_offset64(size, f->fd, first);
    if (!body)
        return -ENOMEM;
    f->fd = -1;
    return web_response_set(&rq->response, status, type, body, size);
}

/* The address of a folder ends with a '/', so that the links of its index lead into it. */
static int redirect_to_folder(async_web_request *rq)
{
    const char *raw = rq->uri.raw, *query = raw + rq->uri.path_size;
    size_t n = rq->uri.path_size, slashes = strspn(raw, "/"), skip = slashes > 1 ? slashes - 1 : 0;
    char *location = web_arena_alloc(&rq->arena, strlen(raw) + 2);
    if (!location)
        return -ENOMEM;
    /* "//host/" would lead to another host. */
    sprintf(location, "%.*s/%s", (int)(n - skip), raw + skip, query);
    return async_web_redirect(rq, 301, location);
}

static bool ends_with_slash(const async_web_request *rq)
{
    return rq->uri.raw[rq->uri.path_size - 1] == '/';
}

static int respond_with_file(async_web_request *rq, struct web_file *f,
                             const struct async_web_file_opts *o)
{
    struct web_file_tag tag;
    uint64_t first, size, whole = (uint64_t)f->st.st_size;
    if (f->is_index && !ends_with_slash(rq))
        return redirect_to_folder(rq);
    web_file_tag(&tag, &f->st);
    const struct web_file_request conditions = read_conditions(rq);
    int status = web_file_conditions(&conditions, &tag, whole, &first, &size);
    int r = add_file_headers(rq, &tag, o);
    if (r == 0 && (status == 206 || status == 416))
        r = add_range(rq, status, first, size, whole);
    if (r < 0)
        return r;
    if (status == 412 || status == 416)
        return async_web_text(rq, status, "%d %s\n", status,
                              MHD_get_reason_phrase_for((unsigned)status));
    if (status == 304)
        return async_web_respond_static(rq, 304, NULL, "", 0);
    const char *name = f->is_index ? f->index : f->path;
    return respond_with_part(rq, status, o->type ? o->type : async_web_file_type(name), f, first,
                             size);
}

/* A path that ends with '/' names a folder only. */
static bool is_file_with_slash(const struct web_file *f)
{
    size_t n = strlen(f->path);
    return !f->is_index && n > 0 && f->path[n - 1] == '/';
}

int await_web_send_file_opt(async_web_request *rq, const char *folder, const char *path,
                            const struct async_web_file_opts *opts)
{
    struct async_web_file_opts o = { .struct_size = 0 };
    memcpy(&o, opts, opts->struct_size < sizeof o ? opts->struct_size : sizeof o);
    if (rq->response.status)
        return async_fail(-EALREADY, "the request already has a response");
    struct web_file f = { .folder = folder,
                          .path = path ? path : "",
                          .index = o.index ? o.index : "index.html",
                          .fd = -1 };
    int r = await_open_web_file(&f);
    if (r == -ENOENT || r == -EACCES || (r == 0 && is_file_with_slash(&f)))
        r = web_request_fail(rq, r == -EACCES ? 403 : 404);
    else if (r == 0)
        r = respond_with_file(rq, &f, &o);
    if (f.fd >= 0)
        close(f.fd);
    return r;
}
