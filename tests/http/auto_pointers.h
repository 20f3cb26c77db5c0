/* SPDX-License-Identifier: MIT */
/* auto_pointers.h - declare two variables of each _auto type in one declaration, in C and in C++. */
#ifndef TESTS_HTTP_AUTO_POINTERS_H
#define TESTS_HTTP_AUTO_POINTERS_H

#include <asyncio/http.h>

ASYNC_BEGIN_DECLS

/* Each opens two streams of url and leaves its block without freeing them: the first in one session
 * of the caller's, the second in two sessions of its own. Returns 200, or an error. */
int await_two_responses(async_http_session *session, const char *url) ASYNC_CHECK;
int await_two_sessions(const char *url) ASYNC_CHECK;
int await_two_responses_cxx(async_http_session *session, const char *url) ASYNC_CHECK;
int await_two_sessions_cxx(const char *url) ASYNC_CHECK;

ASYNC_END_DECLS

#endif
