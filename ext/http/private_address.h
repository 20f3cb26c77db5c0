/* SPDX-License-Identifier: MIT */
/* private_address.h - distinguish addresses of the public internet from all others. */
#ifndef ASYNCIO_HTTP_PRIVATE_ADDRESS_H
#define ASYNCIO_HTTP_PRIVATE_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

/* Returns whether a is a private, loopback, link-local, multicast or reserved address of IPv4 or
 * IPv6. Addresses of other families are not private. */
bool http_address_private(const struct sockaddr *a);

#endif
