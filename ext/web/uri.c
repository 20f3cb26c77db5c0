/* SPDX-License-Identifier: MIT */
/* uri.c - MHD could decode as well, but does so before it splits the target: then "%2F" would
 * separate segments, and "%00" would end strings. */
#include "uri.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

/* The value of a hexadecimal digit, or -1. */
static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Is every '%' followed by two hexadecimal digits, other than those of a NUL? */
bool web_uri_is_decodable(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '\0')
            return false;
        if (text[i] != '%')
            continue;
        if (size - i < 3 || hex_digit(text[i + 1]) < 0 || hex_digit(text[i + 2]) < 0 ||
            (text[i + 1] == '0' && text[i + 2] == '0'))
            return false;
        i += 2;
    }
    return true;
}

static bool is_valid_target(const char *text)
{
    for (const char *p = text; *p; p++)
        if ((unsigned char)*p <= ' ' || *p == 0x7f)
            return false;
    return web_uri_is_decodable(text, strlen(text));
}

size_t web_uri_decode(char *to, const char *from, size_t size, bool plus)
{
    char *out = to;
    for (size_t i = 0; i < size; i++) {
        if (from[i] == '%' && i + 2 < size) {
            *out++ = (char)(hex_digit(from[i + 1]) << 4 | hex_digit(from[i + 2]));
            i += 2;
        } else {
            *out++ = plus && from[i] == '+' ? ' ' : from[i];
        }
    }
    return (size_t)(out - to);
}

/* Return the path of "http://host/path", the form in which clients write to proxies and which every
 * server must accept. Other targets are returned as they are. */
static const char *skip_origin(const char *text)
{
    if (strncasecmp(text, "http://", 7) != 0)
        return text;
    text += 7 + strcspn(text + 7, "/?#");
    return *text == '/' ? text : "/";
}

int web_uri_parse(struct web_uri *uri, struct web_arena *arena, const char *text)
{
    if (!is_valid_target(text)) /* the origin that is left out next, too */
        return -EINVAL;
    text = skip_origin(text);
    if (*text != '/')
        return -EINVAL;
    uri->raw = web_arena_copy(arena, text, strcspn(text, "#"));
    if (!uri->raw)
        return -ENOMEM;
    uri->path_size = strcspn(uri->raw, "?");
    uri->query = uri->raw[uri->path_size] == '?' ? uri->raw + uri->path_size + 1 : "";

    char *path = web_arena_copy(arena, uri->raw, uri->path_size);
    if (!path)
        return -ENOMEM;
    path[web_uri_decode(path, path, uri->path_size, false)] = '\0';
    uri->path = path;
    return 0;
}
