/* SPDX-License-Identifier: MIT */
/* transfer_error.h - what an error code of libcurl means for the response. */
#ifndef ASYNCIO_HTTP_TRANSFER_ERROR_H
#define ASYNCIO_HTTP_TRANSFER_ERROR_H

#include <curl/curl.h>

struct http_transfer;

/* Store in the response why libcurl has ended t with rc. Returns the negative errno. */
int http_transfer_fail(struct http_transfer *t, CURLcode rc);

#endif
