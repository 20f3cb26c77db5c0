/* SPDX-License-Identifier: MIT */
/* address.h - addresses, and what can be said of a host without asking anybody. */
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

/* In the order in which they are to be tried. */
struct addresses {
    int count;
    struct address at[];
};

struct addresses *async__addresses_new(int count); /* NULL: no memory */

/* Numeric ones, "localhost", none at all, Unix sockets: 0, and *ret is to be freed, or NULL if it must be looked up; passive:
 * to listen on. -EINVAL, with a text; -ENOMEM. */
int async__addresses_known(const char *host, const char *port, bool passive, struct addresses **ret);

/* What the system has found, families by turns. NULL: no memory. */
struct addresses *async__addresses_found(const struct addrinfo *list);

int async__address_port(const struct address *a); /* 0: it has none */
void async__address_set_port(struct address *a, int port);
void async__address_text(const struct address *a, char text[static ADDRESS_TEXT]);

#endif
