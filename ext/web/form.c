/* SPDX-License-Identifier: MIT */
#include "form.h"

#include "request.h"
#include "uri.h"

#include <asyncio/error.h>

#include <errno.h>
#include <string.h>
#include <strings.h>

/* Is a Content-Type of that kind, whatever its parameters? */
static bool has_media_type(const char *value, const char *type)
{
    size_t n = strlen(type);
    return strncasecmp(value, type, n) == 0 && (value[n] == '\0' || strchr("; \t", value[n]));
}

static int parse_urlencoded(struct web_form *form, struct web_arena *arena,
                            const struct web_body *b)
{
    size_t items = 1;
    const char *text = b->bytes ? b->bytes : "";
    for (size_t i = 0; i < b->size; i++)
        items += text[i] == '&';
    if (items > WEB_FIELDS_MAX || !web_uri_is_decodable(text, b->size))
        return -EINVAL;
    web_query_parse(&form->fields, arena, text);
    return form->fields.no_memory ? -ENOMEM : 0;
}

static int parse_body(async_web_request *rq)
{
    const char *type = async_web_header(rq, "Content-Type");
    if (!type)
        return -ENOMSG;
    if (has_media_type(type, "application/x-www-form-urlencoded"))
        return parse_urlencoded(&rq->form, &rq->arena, &rq->body);
    if (has_media_type(type, "multipart/form-data"))
        return web_multipart_parse(&rq->form, &rq->arena, type, rq->body.bytes, rq->body.size);
    return -ENOMSG;
}

static struct web_form *form_of(async_web_request *rq)
{
    if (!rq->form.parsed) {
        rq->form.parsed = true;
        rq->form.error = parse_body(rq);
        if (rq->form.error < 0)
            rq->form.fields.count = rq->form.part_count = 0;
    }
    return &rq->form;
}

int async_web_form_size(async_web_request *rq)
{
    const struct web_form *form = form_of(rq);
    if (form->error == -EINVAL)
        return async_fail(-EINVAL, "the form in the request is malformed, or has too many fields");
    return form->error < 0 ? form->error : (int)(form->fields.count + form->part_count);
}

bool async_web_form_at(async_web_request *rq, size_t index, const char **ret_name,
                       const char **ret_value)
{
    const struct web_form *form = form_of(rq);
    if (index < form->fields.count) {
        *ret_name = form->fields.items[index].name;
        *ret_value = form->fields.items[index].value;
        return true;
    }
    for (size_t i = 0; i < form->part_count; i++) {
        if (form->parts[i].file_name || index-- > 0)
            continue;
        *ret_name = form->parts[i].name;
        *ret_value = form->parts[i].bytes;
        return true;
    }
    return false;
}

const char *async_web_form(async_web_request *rq, const char *name)
{
    const char *n, *value;
    for (size_t i = 0; async_web_form_at(rq, i, &n, &value); i++)
        if (strcmp(n, name) == 0)
            return value;
    return NULL;
}

const async_web_part *async_web_part_at(async_web_request *rq, size_t index)
{
    const struct web_form *form = form_of(rq);
    return index < form->part_count ? &form->parts[index] : NULL;
}

const async_web_part *async_web_find_part(async_web_request *rq, const char *name)
{
    const async_web_part *part;
    for (size_t i = 0; (part = async_web_part_at(rq, i)); i++)
        if (strcmp(part->name, name) == 0)
            return part;
    return NULL;
}
