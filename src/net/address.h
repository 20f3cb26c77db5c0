/* SPDX-License-Identifier: MIT */
/* address.h - addresses, and the addresses of hosts that need no lookup. */
#ifndef NET_ADDRESS_H
#define NET_ADDRESS_H

#include <asyncio/base.h>

#include <netdb.h>
#include <netinet/in.h>
#include <sys/un.h>

enum { ADDRESSES_MAX = 32, ADDRESS_TEXT = 64 };

struct address {
    socklen_t len;
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
        struct sockaddr_un un;
    };
};

/* In the order in which they are tried. */
struct addresses {
    int count;
    struct address at[];
};

/* Allocate room for count addresses. Returns NULL if there is no memory. */
struct addresses *async__addresses_new(int count);

/* Find the addresses of a host that needs no lookup: a numeric address, "localhost", no host at
 * all, a Unix socket. passive: they are to listen on. Returns 0; then *ret belongs to the caller,
 * and is NULL if the host must be looked up. Otherwise -EINVAL, with a message, or -ENOMEM. */
int async__addresses_known(const char *host, const char *port, bool passive,
                           struct addresses **ret);

/* Copy what getaddrinfo() has found: each address once, IPv6 and IPv4 by turns. Returns NULL if
 * there is no memory. */
struct addresses *async__addresses_found(const struct addrinfo *list);

/* Returns the port, or 0 if the address has none. */
int async__address_port(const struct address *a);
void async__address_set_port(struct address *a, int port);

/* Format an address as "127.0.0.1:80", "[::1]:80" or a path. The beginning of a path that is too
 * long is left out. */
void async__address_text(const struct address *a, char text[static ADDRESS_TEXT]);

#endif
