/* SPDX-License-Identifier: MIT */
/* private_address.c - distinguish addresses of the public internet from all others. */
#include "private_address.h"

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Is the IPv4 address, in host byte order, in one of the networks that are not part of the public
 * internet? */
static bool ipv4_private(uint32_t a)
{
    static const struct {
        uint32_t net;
        int bits;
    } nets[] = {
        { 0x00000000, 8 },  /* 0.0.0.0/8: this host */
        { 0x0a000000, 8 },  /* 10.0.0.0/8: private */
        { 0x64400000, 10 }, /* 100.64.0.0/10: carrier-grade NAT */
        { 0x7f000000, 8 },  /* 127.0.0.0/8: loopback */
        { 0xa9fe0000, 16 }, /* 169.254.0.0/16: link-local, among them metadata services of clouds */
        { 0xac100000, 12 }, /* 172.16.0.0/12: private */
        { 0xc0000000, 24 }, /* 192.0.0.0/24: protocol assignments */
        { 0xc0a80000, 16 }, /* 192.168.0.0/16: private */
        { 0xc6120000, 15 }, /* 198.18.0.0/15: benchmarks */
        { 0xe0000000, 4 },  /* 224.0.0.0/4: multicast */
        { 0xf0000000, 4 },  /* 240.0.0.0/4: reserved, broadcast */
    };
    for (size_t i = 0; i < sizeof nets / sizeof *nets; i++)
        if ((a ^ nets[i].net) >> (32 - nets[i].bits) == 0)
            return true;
    return false;
}

static uint32_t read_big_endian(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* An IPv4 address within an IPv6 one counts as the IPv4 address. These are the mapped addresses
 * (::ffff:0:0/96), the compatible ones (::/96, which includes :: and ::1), the translated ones
 * (64:ff9b::/96) and those of 6to4 (2002::/16). */
static bool ipv6_private(const uint8_t *a)
{
    static const uint8_t compatible[12], mapped[12] = { [10] = 0xff, [11] = 0xff },
                                         nat64[12] = { 0x00, 0x64, 0xff, 0x9b };
    if (memcmp(a, compatible, 12) == 0 || memcmp(a, mapped, 12) == 0 || memcmp(a, nat64, 12) == 0)
        return ipv4_private(read_big_endian(a + 12));
    if (a[0] == 0x20 && a[1] == 0x02)
        return ipv4_private(read_big_endian(a + 2));
    bool unique_local = (a[0] & 0xfe) == 0xfc, multicast = a[0] == 0xff;
    bool link_or_site_local = a[0] == 0xfe && (a[1] & 0x80);
    return unique_local || multicast || link_or_site_local;
}

bool http_address_private(const struct sockaddr *a)
{
    if (a->sa_family == AF_INET)
        return ipv4_private(ntohl(((const struct sockaddr_in *)(const void *)a)->sin_addr.s_addr));
    if (a->sa_family == AF_INET6)
        return ipv6_private(((const struct sockaddr_in6 *)(const void *)a)->sin6_addr.s6_addr);
    return false;
}
