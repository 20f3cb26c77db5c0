/* SPDX-License-Identifier: MIT */
/* cxx.cpp - http.h as C++: _auto variables, and lists in options. */
#include "cxx.h"

#include <asyncio/error.h>

#include <type_traits>

int await_two_responses_cxx(async_http_session *session, const char *url)
{
    async_http_response_auto a = nullptr, b = nullptr;
    static_assert(std::is_same<decltype(a), async_http_response *>::value, "a is a pointer");
    static_assert(std::is_same<decltype(b), async_http_response *>::value, "b is a pointer");
    ASYNC_TRY(await_http_open(session, "GET", url, &a));
    return ASYNC_TRY(await_http_open(session, "GET", url, &b));
}

int await_two_sessions_cxx(const char *url)
{
    async_http_session_auto a = nullptr, b = nullptr;
    async_http_response *r = nullptr, *q = nullptr;
    static_assert(std::is_same<decltype(a), async_http_session *>::value, "a is a pointer");
    static_assert(std::is_same<decltype(b), async_http_session *>::value, "b is a pointer");
    ASYNC_TRY(async_http_session_open(&a));
    ASYNC_TRY(async_http_session_open(&b));
    int first = await_http_get(a, url, &r), second = await_http_get(b, url, &q);
    async_http_response_free(r);
    async_http_response_free(q);
    return first < 0 ? first : second;
}

int await_header_cxx(async_http_session *session, const char *url, async_http_response **ret)
{
    return await_http_get(session, url, ret, .headers = ASYNC_HTTP_PAIRS("X-Cxx", "yes"),
                          .timeout = 5);
}
