/* SPDX-License-Identifier: MIT */
/* content_decoding.h - undo Content-Encoding: gzip, deflate, and br and zstd if the library was
 * built with them.
 *
 * libcurl could do it, but takes a compressed body that ends early for a whole one. */
#ifndef ASYNCIO_HTTP_CONTENT_DECODING_H
#define ASYNCIO_HTTP_CONTENT_DECODING_H

#include <stdbool.h>
#include <stddef.h>

enum { HTTP_DECODED_SIZE = 16 * 1024 }; /* bytes that one step decodes, at most */

struct http_decoder;

/* What is supported, for Accept-Encoding. */
extern const char http_supported_encodings[];

/* Make a decoder for a coding such as "gzip", which is n bytes long, and put it in front of *chain:
 * of the codings that a header lists, the last one is undone first. "identity" adds nothing.
 * Returns 0; -EPROTONOSUPPORT if the coding is unknown; -ENOMEM. */
int http_decoder_add(struct http_decoder **chain, const char *coding, size_t n);

/* Takes n decoded bytes. Returns false to stop. */
typedef bool http_decoded_fn(void *arg, const char *data, size_t n);

/* Decode n bytes of a body. Returns 0; -ECANCELED if fn has stopped it; -EBADMSG if the bytes are
 * not what the coding says; -ENOMEM. */
int http_decode(struct http_decoder *chain, const char *data, size_t n, http_decoded_fn *fn,
                void *arg);

/* Returns whether the body may end here. */
bool http_decoder_complete(const struct http_decoder *chain);

void http_decoders_free(struct http_decoder *chain);

#endif
