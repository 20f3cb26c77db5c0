/* SPDX-License-Identifier: MIT */
/* head.c - what a request's headers say about its body, and whether they may. Two readers that disagree on
 * where a body ends are how requests are smuggled past proxies, so what could be read in two ways is refused:
 * MHD takes Transfer-Encoding over Content-Length, and the first of several. */
#include "internal.h"

struct head {
    unsigned hosts, lengths, codings;
    uint64_t length;
    bool bad, chunked, expect;
};

static bool is_length(const char *value, uint64_t *ret)
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

static enum MHD_Result see(void *arg, enum MHD_ValueKind kind, const char *name, const char *value)
{
    struct head *h = arg;
    (void)kind;
    if (!value)
        value = "";
    switch (strlen(name)) { /* most headers are of other lengths */
    case 4:
        h->hosts += strcasecmp(name, "Host") == 0;
        break;
    case 6:
        h->expect |= strcasecmp(name, "Expect") == 0;
        break;
    case 14:
        if (strcasecmp(name, "Content-Length") == 0)
            h->bad |= h->lengths++ > 0 || !is_length(value, &h->length);
        break;
    case 17:
        if (strcasecmp(name, "Transfer-Encoding") == 0) {
            h->chunked = strcasecmp(value, "chunked") == 0;
            h->bad |= h->codings++ > 0 || !h->chunked;
        }
        break;
    default:
        break;
    }
    return MHD_YES;
}

/* 0, or the status of the refusal; then *ret_now: before the body, which closes the connection. A refused body
 * that is not too long is read first: a client that is busy sending would never see the answer. */
int web_head_check(async_web_request *rq, const char *version, bool *ret_now)
{
    struct head h = { 0 };
    MHD_get_connection_values(rq->mhd, MHD_HEADER_KIND, see, &h);
    bool old = strcmp(version, "HTTP/1.0") == 0;
    *ret_now = true;
    if (h.bad || h.hosts > 1 || (h.codings && (h.lengths || old)))
        return 400;
    size_t limit = rq->server->opts.body_limit;
    *ret_now = h.expect || h.length > limit + WEB_SWALLOW;
    return h.length > limit ? 413 : 0;
}
