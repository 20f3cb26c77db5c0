/* SPDX-License-Identifier: MIT */
/* address.c - addresses: numeric hosts, results of getaddrinfo(), text. */
#include "net/address.h"

#include <asyncio/error.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/alloc.h"

struct addresses *async__addresses_new(int count)
{
    struct addresses *a = async__calloc(1, sizeof *a + (size_t)count * sizeof a->at[0]);
    if (a)
        a->count = count;
    return a;
}

static struct address ipv4_address(uint32_t host, int port)
{
    struct address a = { .len = sizeof a.in };
    a.in.sin_family = AF_INET;
    a.in.sin_port = htons((uint16_t)port);
    a.in.sin_addr.s_addr = htonl(host);
    return a;
}

static struct address ipv6_address(struct in6_addr host, int port)
{
    struct address a = { .len = sizeof a.in6 };
    a.in6.sin6_family = AF_INET6;
    a.in6.sin6_port = htons((uint16_t)port);
    a.in6.sin6_addr = host;
    return a;
}

static int unix_address(const char *path, struct addresses **ret)
{
    struct address a = { 0 };
    size_t size = strlen(path) + 1;
    if (size == 1 || size > sizeof a.un.sun_path)
        return async_fail_at(-EINVAL, NULL,
                             "%s: the path of a Unix socket must have 1 to 107 bytes", path);
    if (!(*ret = async__addresses_new(1)))
        return -ENOMEM;
    a.un.sun_family = AF_UNIX;
    memcpy(a.un.sun_path, path, size);
    a.len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size);
    (*ret)->at[0] = a;
    return 0;
}

/* Returns -1 if port is no number. Then it may be the name of a service. */
static int parse_port(const char *port)
{
    char *end;
    if (!port || port[0] < '0' || port[0] > '9')
        return -1;
    unsigned long n = strtoul(port, &end, 10);
    return *end == '\0' && n <= 65535 ? (int)n : -1;
}

static int addresses_of_both_families(struct in6_addr six, uint32_t four, int port,
                                      struct addresses **ret)
{
    if (!(*ret = async__addresses_new(2)))
        return -ENOMEM;
    (*ret)->at[0] = ipv6_address(six, port);
    (*ret)->at[1] = ipv4_address(four, port);
    return 0;
}

static int single_address(struct address a, struct addresses **ret)
{
    if (!(*ret = async__addresses_new(1)))
        return -ENOMEM;
    (*ret)->at[0] = a;
    return 0;
}

int async__addresses_known(const char *host, const char *port, bool passive, struct addresses **ret)
{
    struct in_addr four;
    struct in6_addr six;
    int n = parse_port(port);
    *ret = NULL;
    if (host && strncmp(host, "unix:", 5) == 0)
        return unix_address(host + 5, ret);
    if (host && strchr(host, '/'))
        return unix_address(host, ret);
    if (!port || !port[0] || (n < 0 && port[0] >= '0' && port[0] <= '9'))
        return async_fail_at(-EINVAL, NULL,
                             "\"%s\" is not a port: neither a number from 0 to 65535 nor the name "
                             "of a service",
                             port ? port : "NULL");
    if (n < 0) /* the table of services is a file, which must not be read on the loop's thread */
        return 0;
    if (!host || !host[0])
        return passive ? addresses_of_both_families(in6addr_any, INADDR_ANY, n, ret)
                       : addresses_of_both_families(in6addr_loopback, INADDR_LOOPBACK, n, ret);
    if (strcasecmp(host, "localhost") == 0)
        return addresses_of_both_families(in6addr_loopback, INADDR_LOOPBACK, n, ret);
    if (inet_pton(AF_INET, host, &four) == 1)
        return single_address(ipv4_address(ntohl(four.s_addr), n), ret);
    if (inet_pton(AF_INET6, host, &six) == 1)
        return single_address(ipv6_address(six, n), ret);
    return 0;
}

/* --- what getaddrinfo() has found --- */

static bool is_usable(const struct addrinfo *ai)
{
    return (ai->ai_family == AF_INET && ai->ai_addrlen == sizeof(struct sockaddr_in)) ||
           (ai->ai_family == AF_INET6 && ai->ai_addrlen == sizeof(struct sockaddr_in6));
}

static bool is_same(const struct addrinfo *a, const struct addrinfo *b)
{
    return a->ai_addrlen == b->ai_addrlen && memcmp(a->ai_addr, b->ai_addr, a->ai_addrlen) == 0;
}

/* The system may list an address twice, for example from two lines of /etc/hosts. */
static bool is_wanted(const struct addrinfo *list, const struct addrinfo *ai)
{
    if (!is_usable(ai))
        return false;
    for (; list != ai; list = list->ai_next)
        if (is_usable(list) && is_same(list, ai))
            return false;
    return true;
}

/* The next wanted address from ai on that belongs to the family, or does not. */
static const struct addrinfo *next_address(const struct addrinfo *list, const struct addrinfo *ai,
                                           int family, bool belongs)
{
    while (ai && ((ai->ai_family == family) != belongs || !is_wanted(list, ai)))
        ai = ai->ai_next;
    return ai;
}

static int count_addresses(const struct addrinfo *list, int *family)
{
    int count = 0;
    for (const struct addrinfo *ai = list; ai && count < ADDRESSES_MAX; ai = ai->ai_next)
        if (is_wanted(list, ai) && count++ == 0)
            *family = ai->ai_family; /* the first one is of the family that the system prefers */
    return count;
}

struct addresses *async__addresses_found(const struct addrinfo *list)
{
    int family = AF_UNSPEC, count = count_addresses(list, &family);
    struct addresses *a = async__addresses_new(count);
    const struct addrinfo *preferred = next_address(list, list, family, true);
    const struct addrinfo *other = next_address(list, list, family, false);
    for (int i = 0; a && i < count; i++) {
        bool prefer = !other || (preferred && i % 2 == 0);
        const struct addrinfo *ai = prefer ? preferred : other;
        *(prefer ? &preferred : &other) = next_address(list, ai->ai_next, family, prefer);
        a->at[i].len = ai->ai_addrlen;
        memcpy(&a->at[i].any, ai->ai_addr, ai->ai_addrlen);
    }
    return a;
}

/* --- ports and texts --- */

static in_port_t *port_field(struct address *a)
{
    switch (a->any.sa_family) {
    case AF_INET:
        return &a->in.sin_port;
    case AF_INET6:
        return &a->in6.sin6_port;
    default:
        return NULL;
    }
}

int async__address_port(const struct address *a)
{
    struct address copy = *a;
    const in_port_t *port = port_field(&copy);
    return port ? ntohs(*port) : 0;
}

void async__address_set_port(struct address *a, int port)
{
    in_port_t *at = port_field(a);
    if (at)
        *at = htons((uint16_t)port);
}

/* The end of a long path tells more than its beginning. */
static void path_text(const char *path, char text[static ADDRESS_TEXT])
{
    static const char cut[] = "...";
    size_t length = strlen(path), room = ADDRESS_TEXT - sizeof cut;
    if (length < ADDRESS_TEXT)
        memcpy(text, path, length + 1);
    else
        snprintf(text, ADDRESS_TEXT, "%s%s", cut, path + length - room);
}

void async__address_text(const struct address *a, char text[static ADDRESS_TEXT])
{
    char host[INET6_ADDRSTRLEN] = "?";
    if (a->any.sa_family == AF_UNIX) {
        path_text(a->un.sun_path, text);
    } else if (a->any.sa_family == AF_INET6) {
        inet_ntop(AF_INET6, &a->in6.sin6_addr, host, sizeof host);
        snprintf(text, ADDRESS_TEXT, "[%s]:%d", host, async__address_port(a));
    } else {
        inet_ntop(AF_INET, &a->in.sin_addr, host, sizeof host);
        snprintf(text, ADDRESS_TEXT, "%s:%d", host, async__address_port(a));
    }
}
