/* SPDX-License-Identifier: MIT */
/* cxx.h - functions that are written once in C (auto_pointers.c) and once in C++ (cxx.cpp). */
#ifndef TESTS_HTTP_CXX_H
#define TESTS_HTTP_CXX_H

#include <asyncio/http.h>

ASYNC_BEGIN_DECLS

/* Open two streams of url in a session of the caller's, and leave the block without freeing them.
 * Returns 200, or an error. */
int await_two_responses(async_http_session *session, const char *url) ASYNC_CHECK;
int await_two_responses_cxx(async_http_session *session, const char *url) ASYNC_CHECK;

/* Open two sessions, request url in each of them, and leave the block without closing them. Returns
 * 200, or an error. */
int await_two_sessions(const char *url) ASYNC_CHECK;
int await_two_sessions_cxx(const char *url) ASYNC_CHECK;

/* Request url with the header "X-Cxx: yes". Returns its status, or an error. */
int await_header_cxx(async_http_session *session, const char *url, async_http_response **ret)
        ASYNC_CHECK;

ASYNC_END_DECLS

#endif
