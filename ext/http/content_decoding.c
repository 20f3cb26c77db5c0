/* SPDX-License-Identifier: MIT */
/* content_decoding.c - chains of decoders. Each has a buffer for what one step has decoded, and
 * passes it to the next in the chain, or to the response. */
#include "content_decoding.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>
#ifdef HTTP_BROTLI
#include <brotli/decode.h>
#endif
#ifdef HTTP_ZSTD
#include <zstd.h>
#include <zstd_errors.h>
#endif

enum {
    ZSTD_WINDOW_LOG = 23, /* RFC 9659: 8 MiB are enough for any body */
    CHAIN_MAX = 4,        /* codings of one body; more are an attack */
};

const char http_supported_encodings[] = "gzip, deflate"
#ifdef HTTP_BROTLI
                                        ", br"
#endif
#ifdef HTTP_ZSTD
                                        ", zstd"
#endif
        ;

struct input {
    const unsigned char *at;
    size_t size;
};

struct decoder_ops {
    const char *name, *other_name; /* the second may be NULL */
    int (*open)(struct http_decoder *d);
    /* Decode from in to d->out. Returns how many bytes; 0 if it needs more input, or is at the end;
     * -EBADMSG, -ENOMEM. Sets d->complete. */
    long (*step)(struct http_decoder *d, struct input *in);
    void (*close)(struct http_decoder *d);
};

struct http_decoder {
    const struct decoder_ops *ops;
    struct http_decoder *next;
    bool begun;    /* has got a byte */
    bool complete; /* the body may end here */
    union {
        z_stream zlib;
#ifdef HTTP_BROTLI
        BrotliDecoderState *brotli;
#endif
#ifdef HTTP_ZSTD
        ZSTD_DStream *zstd;
#endif
    };
    unsigned char head[2]; /* of deflate: the first two bytes, which show its variant */
    size_t head_size;
    unsigned char out[HTTP_DECODED_SIZE];
};

/* --- gzip and deflate --- */

static int zlib_error(int rc)
{
    return rc == Z_MEM_ERROR ? -ENOMEM : -EBADMSG;
}

/* Run zlib once. After the end of the data whatever follows is skipped, as browsers do, except that
 * a gzip file may consist of several members. */
static long zlib_step(struct http_decoder *d, struct input *in)
{
    z_stream *z = &d->zlib;
    if (d->complete) {
        if (d->ops->name[0] != 'g' || in->size == 0 || *in->at != 0x1f) {
            in->size = 0;
            return 0;
        }
        inflateReset(z);
        d->complete = false;
    }
    z->next_in = (Bytef *)(uintptr_t)in->at;
    z->avail_in = (uInt)in->size;
    z->next_out = d->out;
    z->avail_out = sizeof d->out;
    int rc = inflate(z, Z_NO_FLUSH);
    in->at = z->next_in;
    in->size = z->avail_in;
    d->complete = rc == Z_STREAM_END;
    if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR)
        return zlib_error(rc);
    return (long)(sizeof d->out - z->avail_out);
}

static void zlib_close(struct http_decoder *d)
{
    inflateEnd(&d->zlib);
}

static int gzip_open(struct http_decoder *d)
{
    int rc = inflateInit2(&d->zlib, MAX_WBITS + 16);
    return rc == Z_OK ? 0 : zlib_error(rc);
}

/* "deflate" means the format of zlib, but some servers send the bare data. The variant is known
 * when there are two bytes, which are then decoded first. */
static int deflate_open(struct http_decoder *d)
{
    int rc = inflateInit2(&d->zlib, MAX_WBITS);
    return rc == Z_OK ? 0 : zlib_error(rc);
}

static long deflate_begin(struct http_decoder *d)
{
    bool zlib = (d->head[0] & 0x0f) == Z_DEFLATED && (d->head[0] << 8 | d->head[1]) % 31 == 0;
    if (!zlib && inflateReset2(&d->zlib, -MAX_WBITS) != Z_OK)
        return -ENOMEM;
    return zlib_step(d, &(struct input){ d->head, sizeof d->head });
}

static long deflate_step(struct http_decoder *d, struct input *in)
{
    if (d->head_size == sizeof d->head)
        return zlib_step(d, in);
    while (in->size > 0 && d->head_size < sizeof d->head) {
        d->head[d->head_size++] = *in->at++;
        in->size--;
    }
    long n = d->head_size == sizeof d->head ? deflate_begin(d) : 0;
    return n == 0 && in->size > 0 ? zlib_step(d, in) : n;
}

/* --- br --- */

#ifdef HTTP_BROTLI
static int brotli_open(struct http_decoder *d)
{
    d->brotli = BrotliDecoderCreateInstance(NULL, NULL, NULL);
    return d->brotli ? 0 : -ENOMEM;
}

static bool brotli_no_memory(BrotliDecoderErrorCode e)
{
    return e <= BROTLI_DECODER_ERROR_ALLOC_CONTEXT_MODES &&
           e >= BROTLI_DECODER_ERROR_ALLOC_BLOCK_TYPE_TREES;
}

static long brotli_step(struct http_decoder *d, struct input *in)
{
    size_t room = sizeof d->out;
    uint8_t *out = d->out;
    if (d->complete) {
        in->size = 0;
        return 0;
    }
    BrotliDecoderResult r =
            BrotliDecoderDecompressStream(d->brotli, &in->size, &in->at, &room, &out, NULL);
    d->complete = r == BROTLI_DECODER_RESULT_SUCCESS;
    if (r == BROTLI_DECODER_RESULT_ERROR)
        return brotli_no_memory(BrotliDecoderGetErrorCode(d->brotli)) ? -ENOMEM : -EBADMSG;
    return (long)(sizeof d->out - room);
}

static void brotli_close(struct http_decoder *d)
{
    BrotliDecoderDestroyInstance(d->brotli);
}
#endif

/* --- zstd --- */

#ifdef HTTP_ZSTD
static int zstd_open(struct http_decoder *d)
{
    d->zstd = ZSTD_createDStream();
    if (!d->zstd)
        return -ENOMEM;
    ZSTD_DCtx_setParameter(d->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG);
    return 0;
}

/* A body is one frame or several. */
static long zstd_step(struct http_decoder *d, struct input *in)
{
    ZSTD_inBuffer from = { in->at, in->size, 0 };
    ZSTD_outBuffer to = { d->out, sizeof d->out, 0 };
    if (in->size == 0 && d->complete)
        return 0;
    size_t rc = ZSTD_decompressStream(d->zstd, &to, &from);
    if (ZSTD_isError(rc))
        return ZSTD_getErrorCode(rc) == ZSTD_error_memory_allocation ? -ENOMEM : -EBADMSG;
    in->at += from.pos;
    in->size -= from.pos;
    d->complete = rc == 0;
    return (long)to.pos;
}

static void zstd_close(struct http_decoder *d)
{
    ZSTD_freeDStream(d->zstd);
}
#endif

/* --- chains --- */

static const struct decoder_ops codings[] = {
    { "gzip", "x-gzip", gzip_open, zlib_step, zlib_close },
    { "deflate", NULL, deflate_open, deflate_step, zlib_close },
#ifdef HTTP_BROTLI
    { "br", NULL, brotli_open, brotli_step, brotli_close },
#endif
#ifdef HTTP_ZSTD
    { "zstd", NULL, zstd_open, zstd_step, zstd_close },
#endif
};

static bool coding_is(const char *coding, size_t n, const char *name)
{
    return name && strlen(name) == n && strncasecmp(coding, name, n) == 0;
}

static const struct decoder_ops *find_coding(const char *coding, size_t n)
{
    for (size_t i = 0; i < sizeof codings / sizeof *codings; i++)
        if (coding_is(coding, n, codings[i].name) || coding_is(coding, n, codings[i].other_name))
            return &codings[i];
    return NULL;
}

static int chain_length(const struct http_decoder *chain)
{
    int n = 0;
    for (; chain; chain = chain->next)
        n++;
    return n;
}

int http_decoder_add(struct http_decoder **chain, const char *coding, size_t n)
{
    if (coding_is(coding, n, "identity"))
        return 0;
    const struct decoder_ops *ops = find_coding(coding, n);
    if (!ops || chain_length(*chain) == CHAIN_MAX)
        return -EPROTONOSUPPORT;
    struct http_decoder *d = malloc(sizeof *d);
    if (!d)
        return -ENOMEM;
    memset(d, 0, offsetof(struct http_decoder, out));
    d->ops = ops;
    int r = ops->open(d);
    if (r < 0) {
        free(d);
        return r;
    }
    d->next = *chain;
    *chain = d;
    return 0;
}

/* A step that fills the buffer may have more to give without any further input. */
int http_decode(struct http_decoder *d, const char *data, size_t n, http_decoded_fn *fn, void *arg)
{
    if (!d)
        return fn(arg, data, n) ? 0 : -ECANCELED;
    struct input in = { (const unsigned char *)data, n };
    long got = 0;
    d->begun = d->begun || n > 0;
    while (in.size > 0 || got == HTTP_DECODED_SIZE) {
        got = d->ops->step(d, &in);
        if (got < 0)
            return (int)got;
        int r = got > 0 ? http_decode(d->next, (const char *)d->out, (size_t)got, fn, arg) : 0;
        if (r < 0)
            return r;
    }
    return 0;
}

/* A body of no bytes at all is complete, whatever its coding. */
bool http_decoder_complete(const struct http_decoder *chain)
{
    for (; chain; chain = chain->next)
        if (chain->begun && !chain->complete)
            return false;
    return true;
}

void http_decoders_free(struct http_decoder *chain)
{
    for (struct http_decoder *d; (d = chain);) {
        chain = d->next;
        d->ops->close(d);
        free(d);
    }
}
