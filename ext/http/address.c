/* SPDX-License-Identifier: MIT */
/* address.c - which addresses are not of the public network, for .no_private. */
#include "http_internal.h"

#include <netinet/in.h>
#include <sys/socket.h>

static bool private4(uint32_t a)
{
    static const struct {
        uint32_t net;
        int bits;
    } nets[] = { { 0x00000000, 8 },  { 0x0a000000, 8 },  { 0x64400000, 10 }, { 0x7f000000, 8 },
                 { 0xa9fe0000, 16 }, { 0xac100000, 12 }, { 0xc0000000, 24 }, { 0xc0a80000, 16 },
                 { 0xc6120000, 15 }, { 0xe0000000, 4 },  { 0xf0000000, 4 } };
    for (size_t i = 0; i < sizeof nets / sizeof *nets; i++)
        if ((a ^ nets[i].net) >> (32 - nets[i].bits) == 0)
            return true;
    return false;
}

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* IPv4 addresses in their IPv6 clothes count as what they are: mapped, translated, 6to4. */
static bool private6(const uint8_t *a)
{
    static const uint8_t zero[12], mapped[12] = { [10] = 0xff, [11] = 0xff },
                                   translated[12] = { 0x00, 0x64, 0xff, 0x9b };
    if (memcmp(a, zero, 12) == 0 || memcmp(a, mapped, 12) == 0 || memcmp(a, translated, 12) == 0)
        return private4(be32(a + 12));
    if (a[0] == 0x20 && a[1] == 0x02)
        return private4(be32(a + 2));
    return (a[0] & 0xfe) == 0xfc || a[0] == 0xff || (a[0] == 0xfe && a[1] & 0x80);
}

bool http_address_private(const struct sockaddr *a)
{
    if (a->sa_family == AF_INET)
        return private4(ntohl(((const struct sockaddr_in *)(const void *)a)->sin_addr.s_addr));
    if (a->sa_family == AF_INET6)
        return private6(((const struct sockaddr_in6 *)(const void *)a)->sin6_addr.s6_addr);
    return false;
}
