/* SPDX-License-Identifier: MIT */
/* http_syntax.c - check methods and headers. */
#include "http_syntax.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

bool is_http_token(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)s[i]) && (!s[i] || !strchr("!#$%&'*+-.^_`|~", s[i])))
            return false;
    return n > 0;
}

const char *method_check(const char *method)
{
    size_t n = strlen(method);
    return n <= 32 && is_http_token(method, n) ? NULL : "is not an HTTP method";
}

/* Does the header state where the message ends? */
static bool states_length(const char *header, size_t name)
{
    return (name == 14 && strncasecmp(header, "content-length", 14) == 0) ||
           (name == 17 && strncasecmp(header, "transfer-encoding", 17) == 0);
}

const char *header_check(const char *header, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)header[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return "contains a control character";
    }
    const char *colon = memchr(header, ':', len);
    if (!colon)
        return "is not of the form \"Name: value\"";
    if (!is_http_token(header, (size_t)(colon - header)))
        return "has a malformed name";
    if (states_length(header, (size_t)(colon - header)))
        return "states the length of the body, which is computed from the body";
    return NULL;
}

const char *header_find(char *const *headers, size_t count, const char *name)
{
    size_t n = strlen(name);
    for (size_t i = 0; i < count; i++)
        if (strncasecmp(headers[i], name, n) == 0 && headers[i][n] == ':')
            return headers[i] + n + 1 + strspn(headers[i] + n + 1, " \t");
    return NULL;
}
