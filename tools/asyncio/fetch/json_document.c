/* SPDX-License-Identifier: MIT */
/* json_document.c - check a JSON document (RFC 8259) and copy it without white space, in one pass.
 *
 * A parser that builds a tree and prints it again would need many times the memory of a large
 * body, and numbers would lose digits. There is no recursion, because a document may be hostile
 * and the stack of a task is small. */
#include "json_writer.h"

#include "common/utf8.h"

#include <errno.h>
#include <string.h>

enum { DEPTH_MAX = 512 };

struct document {
    const char *p, *end;
    struct text *to;
    size_t depth;
    char kinds[DEPTH_MAX]; /* '{' or '[' for each level */
};

static void skip_space(struct document *d)
{
    while (d->p < d->end && memchr(" \t\r\n", *d->p, 4))
        d->p++;
}

/* Copy the character c if it comes next. */
static bool copy_char(struct document *d, char c)
{
    if (d->p == d->end || *d->p != c)
        return false;
    text_put(d->to, d->p++, 1);
    return true;
}

static bool copy_word(struct document *d, const char *w)
{
    size_t n = strlen(w);
    if ((size_t)(d->end - d->p) < n || memcmp(d->p, w, n) != 0)
        return false;
    text_put(d->to, w, n);
    d->p += n;
    return true;
}

/* Copy digits. Returns how many there were. */
static size_t copy_digits(struct document *d)
{
    const char *from = d->p;
    while (d->p < d->end && *d->p >= '0' && *d->p <= '9')
        d->p++;
    text_put(d->to, from, (size_t)(d->p - from));
    return (size_t)(d->p - from);
}

/* Copy a number with all of its digits. */
static bool copy_number(struct document *d)
{
    copy_char(d, '-');
    if (!copy_char(d, '0') && !copy_digits(d))
        return false;
    if (copy_char(d, '.') && !copy_digits(d))
        return false;
    if (copy_char(d, 'e') || copy_char(d, 'E')) {
        if (!copy_char(d, '+'))
            copy_char(d, '-');
        return copy_digits(d) > 0;
    }
    return true;
}

static bool is_hex4(const char *p, const char *end)
{
    for (int i = 0; i < 4; i++)
        if (p + i >= end || !p[i] || !strchr("0123456789abcdefABCDEF", p[i]))
            return false;
    return true;
}

/* Copy one character or escape sequence of a string. Returns the length that was read, 0 if it is
 * malformed. Characters that json_writer.h promises to escape are escaped here, too. */
static size_t copy_string_char(struct document *d)
{
    size_t left = (size_t)(d->end - d->p);
    if (*d->p == '\\') {
        size_t n = left < 2 ? 0 : d->p[1] == 'u' ? 6 : 2;
        if (!n || left < n || !memchr("\"\\/bfnrtu", d->p[1], 9) ||
            (n == 6 && !is_hex4(d->p + 2, d->end)))
            return 0;
        text_put(d->to, d->p, n);
        return n;
    }
    unsigned c;
    size_t n = utf8_decode(d->p, left, &c);
    if (!n || c < 0x20)
        return 0;
    if ((c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029)
        text_printf(d->to, "\\u%04x", c);
    else
        text_put(d->to, d->p, n);
    return n;
}

/* Copy a string with its quotes, runs of plain ASCII at once. */
static bool copy_json_string(struct document *d)
{
    if (!copy_char(d, '"'))
        return false;
    while (d->p < d->end) {
        const char *from = d->p;
        while (d->p < d->end && *d->p >= 0x20 && *d->p < 0x7f && *d->p != '"' && *d->p != '\\')
            d->p++;
        text_put(d->to, from, (size_t)(d->p - from));
        if (copy_char(d, '"'))
            return true;
        size_t n = d->p < d->end ? copy_string_char(d) : 0;
        if (!n)
            return false;
        d->p += n;
    }
    return false;
}

/* Copy the name of a member and its colon. */
static bool copy_key(struct document *d)
{
    skip_space(d);
    if (!copy_json_string(d))
        return false;
    skip_space(d);
    return copy_char(d, ':');
}

/* Copy a value that is neither an object nor an array. */
static bool copy_scalar(struct document *d)
{
    if (d->p == d->end)
        return false;
    switch (*d->p) {
    case '"':
        return copy_json_string(d);
    case 't':
        return copy_word(d, "true");
    case 'f':
        return copy_word(d, "false");
    case 'n':
        return copy_word(d, "null");
    default:
        return copy_number(d);
    }
}

/* Open an object or array. Returns 1 if a value follows inside it, 0 if it was empty and is closed
 * again, -1 if it is malformed or too deep. */
static int open_level(struct document *d, char kind)
{
    if (d->depth == DEPTH_MAX)
        return -1;
    copy_char(d, kind);
    skip_space(d);
    if (copy_char(d, kind == '{' ? '}' : ']'))
        return 0;
    d->kinds[d->depth++] = kind;
    return kind == '{' && !copy_key(d) ? -1 : 1;
}

/* After a value, close levels. Returns 1 if a comma announces another value, 0 if all levels are
 * closed, -1 if the document is malformed. */
static int close_levels(struct document *d)
{
    while (d->depth) {
        char kind = d->kinds[d->depth - 1];
        skip_space(d);
        if (copy_char(d, ','))
            return kind == '{' && !copy_key(d) ? -1 : 1;
        if (!copy_char(d, kind == '{' ? '}' : ']'))
            return -1;
        d->depth--;
    }
    return 0;
}

/* Copy a whole document: values, and the levels that they open and close. */
static bool copy_document(struct document *d)
{
    int more = 1;
    while (more > 0) {
        skip_space(d);
        char kind = d->p < d->end ? *d->p : 0;
        bool nested = kind == '{' || kind == '[';
        if (nested && (more = open_level(d, kind)) != 0)
            continue;
        if (!nested && !copy_scalar(d))
            return false;
        more = close_levels(d);
    }
    skip_space(d);
    return more == 0 && d->p == d->end;
}

int json_put_document(struct json_writer *j, const char *s, size_t n)
{
    if (!n)
        return -EBADMSG;
    size_t before = j->text->len;
    if (j->comma)
        text_put(j->text, ",", 1);
    struct document d = { .p = s, .end = s + n, .to = j->text };
    if (copy_document(&d)) {
        j->comma = true;
        return 0;
    }
    if (j->text->data && !j->text->error) {
        j->text->len = before;
        j->text->data[before] = 0;
    }
    return -EBADMSG;
}
