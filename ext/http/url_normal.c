/* SPDX-License-Identifier: MIT */
/* url_normal.c - recognise URLs that are normal, as nearly all are. */
#include "url_normal.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* A name is normal if its last label begins with a letter, so that it cannot be a number such as
 * "0x7f000001"; an IPv4 address if inet_pton() accepts it. IPv6 addresses are left to libcurl. */
static bool is_normal_host(const char *s, size_t n)
{
    char host[HTTP_HOST_MAX + 1];
    struct in_addr address;
    if (n == 0 || n > HTTP_HOST_MAX)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!((s[i] >= 'a' && s[i] <= 'z') || (s[i] >= '0' && s[i] <= '9') || s[i] == '.' ||
              s[i] == '-' || s[i] == '_'))
            return false;
    const char *dot = memrchr(s, '.', n), *last = dot ? dot + 1 : s;
    if (last < s + n && *last >= 'a' && *last <= 'z')
        return true;
    memcpy(host, s, n);
    host[n] = '\0';
    return inet_pton(AF_INET, host, &address) == 1;
}

/* Check ":8080", or nothing; a default port must not be there. */
static bool is_normal_port(const char *s, size_t n, bool https)
{
    if (n == 0)
        return true;
    if (n < 2 || n > 6 || s[1] == '0' || strspn(s + 1, "0123456789") < n - 1)
        return false;
    long port = strtol(s + 1, NULL, 10);
    return port <= 65535 && port != (https ? 443 : 80);
}

/* The path may not contain "/." because that can begin a segment to be removed. An empty query or
 * fragment is left to libcurl, which removes it. */
static bool is_normal_path(const char *s)
{
    if (*s != '/')
        return false;
    for (const char *p = s; *p; p++)
        if (*p <= ' ' || *p >= 0x7f)
            return false;
    size_t path = strcspn(s, "?#");
    const char *dot = strstr(s, "/."), *end = s + strlen(s) - 1;
    return (!dot || dot >= s + path) && *end != '?' && *end != '#' && !strstr(s, "?#");
}

bool http_url_is_normal(const char *url)
{
    bool https = strncmp(url, "https://", 8) == 0;
    if (!https && strncmp(url, "http://", 7) != 0)
        return false;
    const char *host = url + (https ? 8 : 7), *path = host + strcspn(host, "/?#");
    const char *colon = memchr(host, ':', (size_t)(path - host)), *port = colon ? colon : path;
    return is_normal_host(host, (size_t)(port - host)) &&
           is_normal_port(port, (size_t)(path - port), https) && is_normal_path(path);
}
