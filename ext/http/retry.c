/* SPDX-License-Identifier: MIT */
/* retry.c - whether another attempt of a request may succeed. */
#include <asyncio/http.h>
#include <errno.h>

static bool status_is_temporary(int status)
{
    static const int temporary[] = { 408, 425, 429, 500, 502, 503, 504, 522, 524 };
    for (size_t i = 0; i < sizeof temporary / sizeof *temporary; i++)
        if (temporary[i] == status)
            return true;
    return false;
}

/* A proxy that cannot be reached may be back soon; one that refuses a request will refuse it
 * again. */
bool async_http_can_retry(const async_http_response *response)
{
    switch (response->error) {
    case ASYNC_HTTP_OK:
    case ASYNC_HTTP_STATUS:
        return status_is_temporary(response->status);
    case ASYNC_HTTP_DNS:
    case ASYNC_HTTP_CONNECT:
    case ASYNC_HTTP_TIMEOUT:
    case ASYNC_HTTP_RESET:
        return true;
    case ASYNC_HTTP_PROXY:
        return response->code != -EPROTO;
    default:
        return false;
    }
}
