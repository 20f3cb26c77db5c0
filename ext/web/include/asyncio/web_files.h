/* SPDX-License-Identifier: MIT */
/* web_files.h - serve files from a folder. Included by web.h.
 *
 *   await_web_send_file  respond with a file, or a part of it
 *   async_web_file_type  the Content-Type of a file, by its name
 *
 *   ASYNC_DEF(assets, (async_web_request *)rq)
 *   {
 *       return await_web_send_file(rq, "public", async_web_param(rq, "path"));
 *   }
 *   ...
 *   { "GET", "/assets/{path...}", assets }, */
#ifndef ASYNCIO_WEB_FILES_H
#define ASYNCIO_WEB_FILES_H

#include <asyncio/co.h>

ASYNC_BEGIN_DECLS

typedef struct async_web_request async_web_request;

/* Options of await_web_send_file(). Zero is the default of each. */
struct async_web_file_opts {
    size_t struct_size;   /* set by the macro */
    const char *index;    /* the file that stands for a folder; default "index.html"; "": none */
    const char *type;     /* the Content-Type; default: async_web_file_type() of the name */
    const char *download; /* offer to save the file under this name: Content-Disposition */
    double max_age;       /* seconds that caches may keep the response without asking again;
                           * default: they ask each time */
    bool immutable;       /* and the file never changes under this name */
};

/* Respond with a file of a folder.
 *
 *   return await_web_send_file(rq, "public", async_web_param(rq, "path"), .max_age = 3600);
 *
 * folder     the path of the folder.
 * path       the path of the file inside of it, as the client has sent it; "" for the folder
 *            itself. It cannot lead out of the folder: not by "..", not as an absolute path, and
 *            not by a symbolic link that leads elsewhere. NULL stands for "".
 * ...        members of struct async_web_file_opts.
 * Returns    0 when a response is set. That is 404 for a file that does not exist, is no regular
 *            file, or lies outside of the folder; 403 for one that may not be read; 301 for a
 *            folder whose URL does not end with '/'. Otherwise -EALREADY if the request already has
 *            a response; -EMFILE, -EIO and the like; -ENOMEM.
 * Cancelled  the request has no response.
 * Suspends   until a thread has opened the file.
 *
 * The response has a Last-Modified and an ETag. A client that has the file already gets 304, and
 * one that wants a part gets 206, or 416 if there is no such part: If-Match, If-None-Match,
 * If-Modified-Since, If-Unmodified-Since, Range and If-Range are understood. Of several ranges in
 * one request none is served, but the whole file. The kernel sends the file without a copy in
 * memory. If it becomes shorter meanwhile, the connection is closed.
 *
 * With Linux before 5.6, or where openat2() is forbidden, symbolic links below the folder are not
 * followed. */
#define await_web_send_file(rq, folder, path, ...)                                                 \
    await_web_send_file_opt((rq), (folder), (path),                                                \
                            ASYNC__OPTS(struct async_web_file_opts,                                \
                                        .struct_size = sizeof(struct async_web_file_opts),         \
                                        __VA_ARGS__))
int await_web_send_file_opt(async_web_request *rq, const char *folder, const char *path,
                            const struct async_web_file_opts *opts) ASYNC_CHECK;

/* Return the Content-Type for the name of a file, by what follows its last dot, such as "text/css;
 * charset=utf-8". Returns "application/octet-stream" if that is unknown. */
const char *async_web_file_type(const char *name);

ASYNC_END_DECLS

#endif
