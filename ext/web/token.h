/* SPDX-License-Identifier: MIT */
/* token.h - what RFC 9110 calls a token: the name of a method, of a header, or of a cookie. */
#ifndef WEB_TOKEN_H
#define WEB_TOKEN_H

#include <stdbool.h>
#include <string.h>

static inline bool web_is_letter_or_digit(char c)
{
    return ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c >= '0' && c <= '9');
}

static inline bool web_is_token(const char *text)
{
    for (const char *p = text; *p; p++)
        if (!web_is_letter_or_digit(*p) && !strchr("!#$%&'*+-.^_`|~", *p))
            return false;
    return *text;
}

#endif
