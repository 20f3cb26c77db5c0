/* SPDX-License-Identifier: MIT */
/* form.h - the form in the body of a request. */
#ifndef WEB_FORM_H
#define WEB_FORM_H

#include "arena.h"
#include "query.h"

#include <asyncio/web.h>

enum { WEB_FIELDS_MAX = 1000 }; /* in one form; each takes memory besides its bytes */

struct web_form {
    int error;               /* 0, -ENOMSG, -EINVAL or -ENOMEM */
    struct web_query fields; /* of a form that is urlencoded */
    async_web_part *parts;   /* of a multipart form */
    size_t part_count;
    bool parsed;
};

/* Parse the body of a multipart form. Changes the byte behind each part into a '\0'.
 *
 * type       the Content-Type, with the boundary.
 * body       size bytes.
 * Returns    0, -EINVAL if the form is malformed or has too many parts, or -ENOMEM. */
int web_multipart_parse(struct web_form *form, struct web_arena *arena, const char *type,
                        char *body, size_t size);

/* Find a parameter of a header's value, such as the boundary in
 * `multipart/form-data; boundary="x"`. Returns a copy without quotation marks, or NULL if there is
 * none or it is malformed; *ret_no_memory is set if that is the reason. */
char *web_header_parameter(struct web_arena *arena, const char *value, const char *name,
                           bool *ret_no_memory);

#endif
