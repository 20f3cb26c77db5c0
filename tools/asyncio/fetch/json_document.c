/* SPDX-License-Identifier: MIT */
/* json_document.c - checks a JSON document (RFC 8259) and copies it without white space, in one
 * pass.
 *
 * Not by a parser that makes a tree and prints it again: a body of 64 MiB would need many times
 * its size, and numbers would lose digits. No recursion, for a document is hostile and a task's
 * stack is small. */
#include "json_writer.h"

#include "common/utf8.h"

#include <errno.h>
#include <string.h>

enum { DEPTH = 512 };

struct doc {
    const char *p, *end;
    struct text *to;
    size_t depth;
    char kinds[DEPTH]; /* '{' or '[' */
};

static void space(struct doc *d)
{
    while (d->p < d->end && memchr(" \t\r\n", *d->p, 4))
        d->p++;
}

static bool take(struct doc *d, char c)
{
    if (d->p == d->end || *d->p != c)
        return false;
    text_put(d->to, d->p++, 1);
    return true;
}

static bool word(struct doc *d, const char *w)
{
    size_t n = strlen(w);
    if ((size_t)(d->end - d->p) < n || memcmp(d->p, w, n) != 0)
        return false;
    text_put(d->to, w, n);
    d->p += n;
    return true;
}

static size_t digits(struct doc *d)
{
    const char *from = d->p;
    while (d->p < d->end && *d->p >= '0' && *d->p <= '9')
        d->p++;
    text_put(d->to, from, (size_t)(d->p - from));
    return (size_t)(d->p - from);
}

static bool number(struct doc *d)
{
    take(d, '-');
    if (!take(d, '0') && !digits(d))
        return false;
    if (take(d, '.') && !digits(d))
        return false;
    if (take(d, 'e') || take(d, 'E')) {
        if (!take(d, '+'))
            take(d, '-');
        return digits(d) > 0;
    }
    return true;
}

static bool hex4(const char *p, const char *end)
{
    for (int i = 0; i < 4; i++)
        if (p + i >= end || !p[i] || !strchr("0123456789abcdefABCDEF", p[i]))
            return false;
    return true;
}

/* One character or escape within quotes; the length that was read, or 0. Characters that
 * json_out.h promises to escape are escaped here too. */
static size_t in_string(struct doc *d)
{
    size_t left = (size_t)(d->end - d->p);
    if (*d->p == '\\') {
        size_t n = left < 2 ? 0 : d->p[1] == 'u' ? 6 : 2;
        if (!n || left < n || !memchr("\"\\/bfnrtu", d->p[1], 9) || (n == 6 && !hex4(d->p + 2, d->end)))
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

static bool string(struct doc *d)
{
    if (!take(d, '"'))
        return false;
    while (d->p < d->end) {
        const char *from = d->p;
        while (d->p < d->end && *d->p >= 0x20 && *d->p < 0x7f && *d->p != '"' && *d->p != '\\')
            d->p++;
        text_put(d->to, from, (size_t)(d->p - from));
        if (take(d, '"'))
            return true;
        size_t n = d->p < d->end ? in_string(d) : 0;
        if (!n)
            return false;
        d->p += n;
    }
    return false;
}

static bool key(struct doc *d)
{
    space(d);
    if (!string(d))
        return false;
    space(d);
    return take(d, ':');
}

static bool scalar(struct doc *d)
{
    if (d->p == d->end)
        return false;
    switch (*d->p) {
    case '"':
        return string(d);
    case 't':
        return word(d, "true");
    case 'f':
        return word(d, "false");
    case 'n':
        return word(d, "null");
    default:
        return number(d);
    }
}

/* Opens what begins here: 1 a value is to follow inside, 0 it was empty and is closed, -1 an
 * error. */
static int enter(struct doc *d, char kind)
{
    if (d->depth == DEPTH)
        return -1;
    take(d, kind);
    space(d);
    if (take(d, kind == '{' ? '}' : ']'))
        return 0;
    d->kinds[d->depth++] = kind;
    return kind == '{' && !key(d) ? -1 : 1;
}

/* After a value: close levels, until a comma asks for another value (1) or all is closed (0). */
static int next(struct doc *d)
{
    while (d->depth) {
        char kind = d->kinds[d->depth - 1];
        space(d);
        if (take(d, ','))
            return kind == '{' && !key(d) ? -1 : 1;
        if (!take(d, kind == '{' ? '}' : ']'))
            return -1;
        d->depth--;
    }
    return 0;
}

static bool document(struct doc *d)
{
    int more = 1;
    while (more > 0) {
        space(d);
        char kind = d->p < d->end ? *d->p : 0;
        bool nested = kind == '{' || kind == '[';
        if (nested && (more = enter(d, kind)) != 0)
            continue;
        if (!nested && !scalar(d))
            return false;
        more = next(d);
    }
    space(d);
    return more == 0 && d->p == d->end;
}

int json_put_document(struct json_out *j, const char *s, size_t n)
{
    if (!n)
        return -EBADMSG;
    size_t before = j->text->len;
    if (j->comma)
        text_put(j->text, ",", 1);
    struct doc d = { .p = s, .end = s + n, .to = j->text };
    if (document(&d)) {
        j->comma = true;
        return 0;
    }
    if (j->text->data && !j->text->error) {
        j->text->len = before;
        j->text->data[before] = 0;
    }
    return -EBADMSG;
}
