/* SPDX-License-Identifier: MIT */
/* url.c - check, split and redact URLs. */
#include "url.h"

#include "common/utf8.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Return the length of "http://" or "https://" at the start, or 0. */
static size_t scheme_len(const char *url, size_t len)
{
    if (len >= 7 && strncasecmp(url, "http://", 7) == 0)
        return 7;
    return len >= 8 && strncasecmp(url, "https://", 8) == 0 ? 8 : 0;
}

/* Return the length of "user:password@host:port", which begins behind the scheme. */
static size_t authority_len(const char *s, size_t len)
{
    size_t n = 0;
    while (n < len && s[n] && s[n] != '/' && s[n] != '?' && s[n] != '#')
        n++;
    return n;
}

static size_t userinfo_len(const char *s, size_t len)
{
    const char *at = memrchr(s, '@', len);
    return at ? (size_t)(at - s) + 1 : 0;
}

/* Return the length of the host. It ends at a colon, except inside the brackets of an IPv6
 * address. */
static size_t host_len(const char *s, size_t len)
{
    const char *from = s, *end = s + len;
    if (len && *s == '[') {
        const char *bracket = memchr(s, ']', len);
        if (!bracket)
            return len;
        from = bracket;
    }
    const char *colon = memchr(from, ':', (size_t)(end - from));
    return colon ? (size_t)(colon - s) : len;
}

static bool is_host(const char *s, size_t n)
{
    bool v6 = s[0] == '[';
    if (v6 && (n < 4 || s[n - 1] != ']'))
        return false;
    for (size_t i = v6; i < n - v6; i++) {
        unsigned char c = (unsigned char)s[i];
        if (v6 ? !isxdigit(c) && !strchr(":.%", c) && !isalnum(c)
               : c < 0x80 && !isalnum(c) && !strchr(".-_~%", c))
            return false;
    }
    return true;
}

/* Check ":port". A colon alone is allowed, and means the default port. */
static bool is_port(const char *s, size_t n)
{
    unsigned long port = 0;
    for (size_t i = 1; i < n; i++) {
        if (s[i] < '0' || s[i] > '9' || n > 6)
            return false;
        port = port * 10 + (unsigned long)(s[i] - '0');
    }
    return port <= 65535 && (n < 2 || port > 0);
}

static const char *check_characters(const char *url, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)url[i];
        if (c == ' ')
            return "contains a space";
        if (c < 0x20 || c == 0x7f)
            return "contains a control character";
    }
    return utf8_valid(url, len) ? NULL : "is not UTF-8";
}

const char *url_check(const char *url, size_t len)
{
    if (!len)
        return "is empty";
    const char *wrong = check_characters(url, len);
    if (wrong)
        return wrong;
    size_t skip = scheme_len(url, len);
    if (!skip)
        return "does not begin with http:// or https://";
    const char *s = url + skip;
    size_t n = authority_len(s, len - skip);
    if (memchr(s, '\\', n)) /* clients disagree about where such a host ends */
        return "has a backslash in its host";
    size_t user = userinfo_len(s, n);
    s += user;
    n -= user;
    size_t host = host_len(s, n);
    if (!host)
        return "has no host";
    if (host > 255 || !is_host(s, host))
        return "has a malformed host";
    return is_port(s + host, n - host) ? NULL : "has a port that is not 1 to 65535";
}

bool url_has_user(const char *url)
{
    size_t len = strlen(url), skip = scheme_len(url, len);
    return userinfo_len(url + skip, authority_len(url + skip, len - skip)) > 0;
}

struct url_parts url_split(const char *url)
{
    size_t len = strlen(url), skip = scheme_len(url, len);
    const char *s = url + skip;
    size_t n = authority_len(s, len - skip), user = userinfo_len(s, n);
    struct url_parts p = { .host = s + user, .host_len = host_len(s + user, n - user) };
    const char *path = s + n;
    size_t end = strcspn(path, "?#");
    const char *slash = memrchr(path, '/', end);
    p.base = slash ? slash + 1 : path;
    p.base_len = (size_t)(path + end - p.base);
    return p;
}

/* Append to a string in lower case, as far as it fits. Returns its new length. */
static size_t put_lower(char *to, size_t at, const char *s, size_t n)
{
    for (size_t i = 0; i < n && at < URL_ORIGIN_MAX - 1; i++)
        to[at++] = (char)(s[i] >= 'A' && s[i] <= 'Z' ? s[i] + 32 : s[i]);
    to[at] = 0;
    return at;
}

size_t url_origin(const char *url, char ret[URL_ORIGIN_MAX])
{
    struct url_parts p = url_split(url);
    size_t skip = scheme_len(url, strlen(url));
    size_t at = put_lower(ret, 0, url, skip);
    at = put_lower(ret, at, p.host, p.host_len);
    const char *port = p.host + p.host_len;
    size_t digits = *port == ':' ? strspn(port + 1, "0123456789") : 0;
    while (digits > 1 && port[1] == '0') { /* port 080 is port 80 */
        port++;
        digits--;
    }
    at = put_lower(ret, at, ":", 1);
    if (!digits)
        return put_lower(ret, at, skip == 8 ? "443" : "80", skip == 8 ? 3 : 2);
    return put_lower(ret, at, port + 1, digits);
}

/* Return the length of "anything://" at the start, or 0. A "://" further behind, as in a query,
 * does not count, since a password could precede it. */
static size_t any_scheme_len(const char *url, size_t len)
{
    size_t n = 0;
    while (n < len && (isalnum((unsigned char)url[n]) || (url[n] && strchr("+-.", url[n]))))
        n++;
    return len - n >= 3 && memcmp(url + n, "://", 3) == 0 ? n + 3 : 0;
}

void url_redact(struct text *t, const char *url, size_t len)
{
    size_t skip = any_scheme_len(url, len);
    bool good = !url_check(url, len);
    size_t n = good ? authority_len(url + skip, len - skip) : len - skip;
    size_t user = userinfo_len(url + skip, n);
    text_put(t, url, skip);
    text_put(t, url + skip + user, len - skip - user);
}
