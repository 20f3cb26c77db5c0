/* SPDX-License-Identifier: MIT */
/* request_headers.c - requests are smuggled past a proxy where the proxy and the server disagree on
 * where a body ends. So headers that could be read in two ways are refused. MHD itself prefers
 * Transfer-Encoding to Content-Length and uses the first of several. */
#include "request_headers.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

struct headers {
    unsigned hosts, lengths, codings; /* how many there are */
    uint64_t length;
    bool invalid, chunked, expects_continue;
};

/* Is the name one word, and does its value follow it in memory? MHD 0.9 accepts a space before the
 * colon. It also joins a folded line (obsolete in HTTP) to the name instead of the value, in other
 * memory. Both hide from us a header that another reader may see. */
static bool is_valid_header(const char *name, size_t size, const char *value)
{
    static int joins_folds = -1; /* -1: the version of MHD has not been read yet */
    for (size_t i = 0; i < size; i++)
        if ((unsigned char)name[i] <= ' ' || name[i] == 0x7f)
            return false;
    if (joins_folds < 0)
        joins_folds = MHD_get_version()[0] == '0';
    if (!joins_folds || !value)
        return size > 0;
    uintptr_t gap = (uintptr_t)value - (uintptr_t)(name + size);
    return size > 0 && gap > 0 && gap < 1024 && strspn(name + size + 1, " \t") + 1 == gap;
}

static bool parse_length(const char *value, uint64_t *ret)
{
    uint64_t n = 0;
    if (!*value)
        return false;
    for (; *value; value++)
        if (*value < '0' || *value > '9' || __builtin_mul_overflow(n, 10, &n) ||
            __builtin_add_overflow(n, (uint64_t)(*value - '0'), &n))
            return false;
    *ret = n;
    return true;
}

/* Called by MHD for each header. Most headers have a length that none of the relevant ones has. */
static enum MHD_Result check_header(void *arg, enum MHD_ValueKind kind, const char *name,
                                    const char *value)
{
    struct headers *h = arg;
    size_t size = strlen(name);
    (void)kind;
    h->invalid |= !is_valid_header(name, size, value);
    if (!value)
        value = "";
    switch (size) {
    case 4:
        h->hosts += strcasecmp(name, "Host") == 0;
        break;
    case 6:
        h->expects_continue |= strcasecmp(name, "Expect") == 0;
        break;
    case 14:
        if (strcasecmp(name, "Content-Length") == 0)
            h->invalid |= h->lengths++ > 0 || !parse_length(value, &h->length);
        break;
    case 17:
        if (strcasecmp(name, "Transfer-Encoding") == 0) {
            h->chunked = strcasecmp(value, "chunked") == 0;
            h->invalid |= h->codings++ > 0 || !h->chunked;
        }
        break;
    default:
        break;
    }
    return MHD_YES;
}

bool web_request_headers_check(struct MHD_Connection *mhd, const char *version,
                               struct web_framing *ret)
{
    struct headers h = { 0 };
    MHD_get_connection_values(mhd, MHD_HEADER_KIND, check_header, &h);
    bool http_1_0 = strcmp(version, "HTTP/1.0") == 0;
    *ret = (struct web_framing){ h.length, h.expects_continue };
    return !h.invalid && (h.hosts == 1 || (h.hosts == 0 && http_1_0)) &&
           (h.codings == 0 || (h.lengths == 0 && !http_1_0));
}
