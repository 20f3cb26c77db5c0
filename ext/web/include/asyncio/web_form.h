/* SPDX-License-Identifier: MIT */
/* web_form.h - what browsers send with forms: fields, files, and cookies. Included by web.h.
 *
 *   async_web_form        the value of a field
 *   async_web_form_at     the fields in their order
 *   async_web_form_size   how many fields there are, or why there are none
 *   async_web_find_part   a part of a multipart form, such as a file
 *   async_web_part_at     the parts in their order
 *   async_web_cookie      the value of a cookie
 *   async_web_set_cookie  set a cookie, or delete it
 *
 * A form is the body of a request with the Content-Type application/x-www-form-urlencoded or
 * multipart/form-data. It is parsed when it is first read. One that is malformed has no fields, and
 * neither has one with more than 1,000 of them; async_web_form_size() returns -EINVAL then. The
 * body counts against .body_limit; a longer upload is read as a stream, see await_web_read().
 *
 * All strings are valid until the handler has ended. None of these functions suspends. */
#ifndef ASYNCIO_WEB_FORM_H
#define ASYNCIO_WEB_FORM_H

#include <asyncio/co.h>

ASYNC_BEGIN_DECLS

typedef struct async_web_request async_web_request;

/* Return the value of the first field of the form with that name, decoded, or NULL if there is
 * none. Files are no fields.
 *
 *   const char *name = async_web_form(rq, "name");
 *   if (!name)
 *       return async_web_text(rq, 400, "The form has no name.\n"); */
const char *async_web_form(async_web_request *rq, const char *name);

/* Read the fields of the form in their order.
 *
 *   const char *name, *value;
 *   for (size_t i = 0; async_web_form_at(rq, i, &name, &value); i++)
 *       printf("%s = %s\n", name, value);
 *
 * ret_name   receives the name, decoded.
 * ret_value  receives the value, decoded.
 * Returns    false if there is no field of that index. */
bool async_web_form_at(async_web_request *rq, size_t index, const char **ret_name,
                       const char **ret_value);

/* Return how many fields and files the form has; -ENOMSG if the body is no form; -EINVAL if it is
 * malformed; -ENOMEM. */
int async_web_form_size(async_web_request *rq);

/* A part of a multipart form: a field, or a file. */
typedef struct async_web_part {
    const char *name;
    const char *file_name; /* without folders, "" if nothing else is left; NULL: a field. Whatever
                            * it is, the client has chosen it */
    const char *type;      /* the Content-Type that the client has sent; NULL: none */
    const char *bytes;     /* the content, with a '\0' behind it; inside of the body */
    size_t size;
} async_web_part;

/* Return the first part of a multipart form with that name, or NULL if there is none.
 *
 *   const async_web_part *photo = async_web_find_part(rq, "photo");
 *   if (photo && photo->file_name)
 *       ASYNC_TRY(await_write_file("photo.jpg", photo->bytes, photo->size)); */
const async_web_part *async_web_find_part(async_web_request *rq, const char *name);

/* Return the part of that index, or NULL if there is none. */
const async_web_part *async_web_part_at(async_web_request *rq, size_t index);

/* Return the value of the first cookie with that name, as it was sent but without quotation marks,
 * or NULL if there is none, or no memory. */
const char *async_web_cookie(async_web_request *rq, const char *name);

/* Options of a cookie. Zero is the default of each. */
struct async_web_cookie_opts {
    size_t struct_size;    /* set by the macro */
    double max_age;        /* seconds that the client keeps it; default 0: until the browser is
                            * closed; negative: delete it */
    const char *path;      /* it is sent with requests below this path; default "/" */
    const char *domain;    /* and to the hosts of this domain; default: to this host only */
    const char *same_site; /* "Strict", "Lax" or "None": whether it is sent with requests that
                            * other sites cause; default "Lax" */
    bool secure;           /* over https only; needed with "None" */
    bool scripts;          /* scripts of the page may read it: no HttpOnly */
};

/* Set a cookie by a header of the response, before or after the body is set.
 *
 *   ASYNC_TRY(async_web_set_cookie(rq, "session", id, .max_age = 3600, .secure = true));
 *   ASYNC_TRY(async_web_set_cookie(rq, "session", "", .max_age = -1)); // delete it
 *
 * name       a token, such as "session".
 * value      without spaces, quotation marks, commas, semicolons and backslashes.
 * ...        members of struct async_web_cookie_opts.
 * Returns    0; -EINVAL if one of the strings is invalid, or .same_site is "None" without .secure;
 *            -EALREADY if the headers of the response have been sent; -ENOMEM. */
#define async_web_set_cookie(rq, name, value, ...)                                                 \
    async_web_set_cookie_opt((rq), (name), (value),                                                \
                             ASYNC__OPTS(struct async_web_cookie_opts,                             \
                                         .struct_size = sizeof(struct async_web_cookie_opts),      \
                                         __VA_ARGS__))
int async_web_set_cookie_opt(async_web_request *rq, const char *name, const char *value,
                             const struct async_web_cookie_opts *opts);

ASYNC_END_DECLS

#endif
