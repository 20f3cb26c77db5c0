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

/* The name is one word, and its value stands behind it. MHD 0.9 lets a space pass before the colon, and adds a
 * folded line (which HTTP has given up) to the name instead of the value, in other memory: both hide a header
 * from us that another reader may see. */
static bool is_header(const char *name, size_t size, const char *value)
{
    static int folds = -1; /* whether this MHD does so */
    for (size_t i = 0; i < size; i++)
        if ((unsigned char)name[i] <= ' ' || name[i] == 0x7f)
            return false;
    if (folds < 0)
        folds = MHD_get_version()[0] == '0';
    if (!folds || !value)
        return size > 0;
    uintptr_t gap = (uintptr_t)value - (uintptr_t)(name + size);
    return size > 0 && gap > 0 && gap < 1024 && strspn(name + size + 1, " \t") + 1 == gap;
}

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
    size_t size = strlen(name);
    (void)kind;
    h->bad |= !is_header(name, size, value);
    if (!value)
        value = "";
    switch (size) { /* most headers are of other lengths */
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
    if (h.bad || h.hosts > 1 || (h.hosts == 0 && !old) || (h.codings && (h.lengths || old)))
        return 400;
    size_t limit = rq->server->opts.body_limit;
    *ret_now = h.expect || h.length > limit + WEB_SWALLOW;
    return h.length > limit ? 413 : 0;
}
