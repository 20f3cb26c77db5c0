/* SPDX-License-Identifier: MIT */
/* http_decoding.c - fuzz the decoding of compressed bodies in the HTTP client. The first line of
 * the input is a list of codings, separated by commas; the rest is the body.
 *
 * A body is decoded to the same bytes, or found to be broken or cut off, whatever the pieces are in
 * which it arrives. */
#include "fuzz.h"

#include "ext/http/content_decoding.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { DECODED_MAX = 1 << 18 }; /* bytes after which the body is refused, as one too large */

struct decoded {
    char bytes[DECODED_MAX];
    size_t size;
    int result;
    bool complete;
};

static bool take_decoded(void *arg, const char *data, size_t n)
{
    struct decoded *d = arg;
    fuzz_check(n > 0, "no bytes");
    if (n > sizeof d->bytes - d->size)
        return false;
    memcpy(d->bytes + d->size, data, n);
    d->size += n;
    return true;
}

/* Make the decoders for a list of codings. Returns 0 or an error. */
static int add_codings(struct http_decoder **chain, const char *list, size_t n)
{
    for (size_t at = 0; at <= n;) {
        const char *comma = at < n ? memchr(list + at, ',', n - at) : NULL;
        size_t size = comma ? (size_t)(comma - list) - at : n - at;
        int r = size > 0 ? http_decoder_add(chain, list + at, size) : 0;
        fuzz_check(r == 0 || r == -EPROTONOSUPPORT, "%d", r);
        if (r < 0)
            return r;
        at += size + 1;
    }
    return 0;
}

/* Decode the body, as a whole or in pieces. */
static void decode_body(struct http_decoder *chain, const char *body, size_t size,
                        struct fuzz_random *random, struct decoded *ret)
{
    ret->size = 0;
    ret->result = 0;
    for (size_t at = 0, n; at < size && ret->result == 0; at += n) {
        n = random ? fuzz_random_piece(random, size - at) : size - at;
        char *piece = fuzz_copy(body + at, n);
        ret->result = http_decode(chain, piece, n, take_decoded, ret);
        free(piece);
    }
    fuzz_check(ret->result == 0 || ret->result == -EBADMSG || ret->result == -ECANCELED, "%d",
               ret->result);
    ret->complete = ret->result == 0 && http_decoder_complete(chain);
}

/* Returns false if a coding is unknown. */
static bool run_once(const uint8_t *data, size_t size, struct fuzz_random *random,
                     struct decoded *ret)
{
    const char *text = (const char *)data, *end = memchr(text, '\n', size);
    struct http_decoder *chain = NULL;
    size_t list = end ? (size_t)(end - text) : size, body = end ? list + 1 : size;
    bool known = add_codings(&chain, text, list) == 0;
    if (known)
        decode_body(chain, text + body, size - body, random, ret);
    http_decoders_free(chain);
    return known;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct decoded whole, split;
    struct fuzz_random random;
    fuzz_random_init(&random, data, size);
    if (size == 0 || !run_once(data, size, NULL, &whole))
        return 0;
    run_once(data, size, &random, &split);
    fuzz_check(whole.result == split.result, "%d as a whole, %d in pieces", whole.result,
               split.result);
    fuzz_check(whole.complete == split.complete, "%d", whole.complete);
    if (whole.result == 0)
        fuzz_check(whole.size == split.size && memcmp(whole.bytes, split.bytes, whole.size) == 0,
                   "%zu bytes as a whole, %zu in pieces", whole.size, split.size);
    return 0;
}
