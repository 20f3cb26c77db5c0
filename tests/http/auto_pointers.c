/* SPDX-License-Identifier: MIT */
/* auto_pointers.c - several _auto variables in one declaration: all are pointers, and all are
 * dropped where their block ends. */
#include "cxx.h"
#include "http_test.h"

const char *const http_suite = "http-auto-pointers";

#define IS_POINTER_TO(type, variable)                                                              \
    _Static_assert(__builtin_types_compatible_p(__typeof__(variable), type *), #variable)

int await_two_responses(async_http_session *session, const char *url)
{
    async_http_response_auto a = NULL, b = NULL;
    IS_POINTER_TO(async_http_response, a);
    IS_POINTER_TO(async_http_response, b);
    ASYNC_TRY(await_http_open(session, "GET", url, &a));
    return ASYNC_TRY(await_http_open(session, "GET", url, &b));
}

int await_two_sessions(const char *url)
{
    async_http_session_auto a = NULL, b = NULL;
    async_http_response *r = NULL, *q = NULL;
    IS_POINTER_TO(async_http_session, a);
    IS_POINTER_TO(async_http_session, b);
    ASYNC_TRY(async_http_session_open(&a));
    ASYNC_TRY(async_http_session_open(&b));
    int first = await_http_get(a, url, &r), second = await_http_get(b, url, &q);
    async_http_response_free(r);
    async_http_response_free(q);
    return first < 0 ? first : second;
}

HTTP_TEST(two_responses_of_one_declaration_are_both_freed)
{
    expect_int(await_two_responses(s, at(sv, "/stall/1000")), 200);
    expect_int(atomic_load(&sv->connections), 2);
    /* freeing a stream early closes its connection */
    expect_eventually(atomic_load(&sv->open) == 0);
    return 0;
}

HTTP_TEST(two_sessions_of_one_declaration_are_both_closed)
{
    expect_int(await_two_sessions(at(sv, "/echo")), 200);
    expect_int(atomic_load(&sv->connections), 2);
    expect_eventually(atomic_load(&sv->open) == 0);
    return 0;
}

#ifdef TEST_CXX

HTTP_TEST(two_responses_of_one_declaration_are_both_freed_in_cxx)
{
    expect_int(await_two_responses_cxx(s, at(sv, "/stall/1000")), 200);
    expect_int(atomic_load(&sv->connections), 2);
    expect_eventually(atomic_load(&sv->open) == 0);
    return 0;
}

HTTP_TEST(two_sessions_of_one_declaration_are_both_closed_in_cxx)
{
    expect_int(await_two_sessions_cxx(at(sv, "/echo")), 200);
    expect_int(atomic_load(&sv->connections), 2);
    expect_eventually(atomic_load(&sv->open) == 0);
    return 0;
}

HTTP_TEST(headers_given_in_cxx_are_sent)
{
    async_http_response_auto r = NULL;
    expect_int(await_header_cxx(s, at(sv, "/echo"), &r), 200);
    expect_not_null(strstr(r->body, "X-Cxx: yes\r\n"));
    return 0;
}

#endif

void http_cases(TCase *tc)
{
    tcase_add_test(tc, two_responses_of_one_declaration_are_both_freed);
    tcase_add_test(tc, two_sessions_of_one_declaration_are_both_closed);
#ifdef TEST_CXX
    tcase_add_test(tc, two_responses_of_one_declaration_are_both_freed_in_cxx);
    tcase_add_test(tc, two_sessions_of_one_declaration_are_both_closed_in_cxx);
    tcase_add_test(tc, headers_given_in_cxx_are_sent);
#endif
}
