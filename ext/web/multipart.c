/* SPDX-License-Identifier: MIT */
/* multipart.c - the parts of a multipart form lie between lines that begin with a boundary. Their
 * content is left where it is. A form that is not exactly as RFC 7578 describes it is refused. */
#include "form.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

enum { BOUNDARY_MAX = 70 }; /* bytes, by RFC 2046 */

/* --- parameters of a header --- */

static bool is_escape(const char *text)
{
    return text[0] == '\\' && (text[1] == '"' || text[1] == '\\');
}

/* Return the end of the value of a parameter, NULL if it is malformed. */
static const char *value_end(const char *text)
{
    if (*text != '"') {
        text += strcspn(text, "; \t\"");
        return *text == '"' ? NULL : text;
    }
    for (text++; *text && *text != '"'; text++)
        if (is_escape(text))
            text++;
    return *text == '"' ? text + 1 : NULL;
}

/* Copy the value between text and end. In a quoted string, a backslash before another one, or
 * before a quotation mark, is dropped; elsewhere it is a part of a Windows path. */
static char *copy_value(struct web_arena *arena, const char *text, const char *end)
{
    bool quoted = *text == '"';
    text += quoted;
    end -= quoted;
    size_t n = 0;
    char *copy = web_arena_copy(arena, text, (size_t)(end - text));
    for (; copy && text < end; text++) {
        if (quoted && is_escape(text))
            text++;
        copy[n++] = *text;
    }
    if (copy)
        copy[n] = '\0';
    return copy;
}

char *web_header_parameter(struct web_arena *arena, const char *value, const char *name,
                           bool *ret_no_memory)
{
    const char *p = value + strcspn(value, ";");
    *ret_no_memory = false;
    while (p && *p == ';') {
        p += 1 + strspn(p + 1, " \t");
        size_t n = strcspn(p, "=; \t");
        bool wanted = n == strlen(name) && strncasecmp(p, name, n) == 0;
        if (p[n] != '=')
            return NULL;
        const char *text = p + n + 1;
        p = value_end(text);
        if (p && wanted) {
            char *copy = copy_value(arena, text, p);
            *ret_no_memory = !copy;
            return copy;
        }
        if (p)
            p += strspn(p, " \t");
    }
    return NULL;
}

/* --- one part --- */

/* What follows the last folder in a name that a browser has sent: some send a whole path. */
static char *base_name(char *name)
{
    for (char *p = name; *p; p++)
        if (*p == '/' || *p == '\\')
            name = p + 1;
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ? name + strlen(name) : name;
}

static int parse_disposition(async_web_part *part, struct web_arena *arena, const char *value)
{
    bool no_memory, no_memory_either;
    if (strncasecmp(value, "form-data", 9) != 0 || part->name)
        return -EINVAL;
    part->name = web_header_parameter(arena, value, "name", &no_memory);
    char *file = web_header_parameter(arena, value, "filename", &no_memory_either);
    part->file_name = file ? base_name(file) : NULL;
    return no_memory || no_memory_either ? -ENOMEM : part->name ? 0 : -EINVAL;
}

/* Parse a line "name: value" of size bytes. Other headers than these two are ignored. */
static int parse_part_header(async_web_part *part, struct web_arena *arena, const char *line,
                             size_t size)
{
    const char *colon = memchr(line, ':', size);
    if (!colon || memchr(line, '\0', size))
        return -EINVAL;
    size_t name = (size_t)(colon - line), at = name + 1;
    while (at < size && (line[at] == ' ' || line[at] == '\t'))
        at++;
    bool is_disposition = name == 19 && strncasecmp(line, "Content-Disposition", name) == 0;
    bool is_type = name == 12 && strncasecmp(line, "Content-Type", name) == 0;
    if (!is_disposition && !is_type)
        return 0;
    char *value = web_arena_copy(arena, line + at, size - at);
    if (!value)
        return -ENOMEM;
    if (is_disposition)
        return parse_disposition(part, arena, value);
    part->type = value;
    return 0;
}

/* Parse a part, which begins with its headers, and ends before end. */
static int parse_part(async_web_part *part, struct web_arena *arena, char *text, char *end)
{
    *part = (async_web_part){ .name = NULL };
    for (;;) {
        char *line_end = memmem(text, (size_t)(end - text), "\r\n", 2);
        if (!line_end)
            return -EINVAL;
        if (line_end == text)
            break;
        int r = parse_part_header(part, arena, text, (size_t)(line_end - text));
        if (r < 0)
            return r;
        text = line_end + 2;
    }
    part->bytes = text + 2;
    part->size = (size_t)(end - part->bytes);
    *end = '\0';
    /* A field is read as a string, so it must be one. */
    return part->name && (part->file_name || !memchr(part->bytes, '\0', part->size)) ? 0 : -EINVAL;
}

/* --- all parts --- */

struct delimiter {
    char text[BOUNDARY_MAX + 5]; /* CR LF, two hyphens, the boundary */
    size_t size;
};

static int read_boundary(struct delimiter *d, struct web_arena *arena, const char *type)
{
    bool no_memory;
    const char *boundary = web_header_parameter(arena, type, "boundary", &no_memory);
    if (no_memory)
        return -ENOMEM;
    size_t n = boundary ? strlen(boundary) : 0;
    if (n == 0 || n > BOUNDARY_MAX)
        return -EINVAL;
    memcpy(d->text, "\r\n--", 4);
    memcpy(d->text + 4, boundary, n + 1);
    d->size = n + 4;
    return 0;
}

static char *find_delimiter(const struct delimiter *d, char *from, const char *end)
{
    return memmem(from, (size_t)(end - from), d->text, d->size);
}

/* Skip what may precede the first boundary. Returns what follows that boundary, or NULL. */
static char *skip_preamble(const struct delimiter *d, char *body, const char *end)
{
    if ((size_t)(end - body) >= d->size - 2 && memcmp(body, d->text + 2, d->size - 2) == 0)
        return body + d->size - 2;
    char *found = find_delimiter(d, body, end);
    return found ? found + d->size : NULL;
}

/* Skip the rest of a line with a boundary. Returns the next line, NULL if there is no line break;
 * *last: the boundary was that of the end. */
static char *skip_boundary_line(char *p, const char *end, bool *last)
{
    *last = end - p >= 2 && p[0] == '-' && p[1] == '-';
    while (p < end && (*p == ' ' || *p == '\t'))
        p++;
    return end - p >= 2 && p[0] == '\r' && p[1] == '\n' ? p + 2 : NULL;
}

static size_t count_parts(const struct delimiter *d, char *body, const char *end)
{
    size_t n = 1;
    for (char *p = body; (p = find_delimiter(d, p, end)); p += d->size)
        n++;
    return n;
}

int web_multipart_parse(struct web_form *form, struct web_arena *arena, const char *type,
                        char *body, size_t size)
{
    struct delimiter d;
    bool last;
    char *end = body + size;
    int r = read_boundary(&d, arena, type);
    if (r < 0 || !body)
        return r < 0 ? r : -EINVAL;
    size_t most = count_parts(&d, body, end);
    if (most > WEB_FIELDS_MAX + 2)
        return -EINVAL;
    form->parts = web_arena_alloc(arena, most * sizeof *form->parts);
    char *p = skip_preamble(&d, body, end);
    if (!form->parts || !p)
        return form->parts ? -EINVAL : -ENOMEM;
    while ((p = skip_boundary_line(p, end, &last)) || last) {
        if (last)
            return 0;
        char *next = find_delimiter(&d, p, end);
        if (!next)
            return -EINVAL;
        r = parse_part(&form->parts[form->part_count++], arena, p, next);
        if (r < 0)
            return r;
        p = next + d.size;
    }
    return -EINVAL;
}
