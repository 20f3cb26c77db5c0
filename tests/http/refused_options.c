/* SPDX-License-Identifier: MIT */
/* refused_options.c - an option that libcurl refuses is reported with libcurl's error. This program
 * replaces curl_easy_setopt(), so that libcurl refuses what the test chooses. */
#include "http_test.h"

#include <curl/curl.h>
#include <dlfcn.h>

const char *const http_suite = "http-refused-options";

static CURLoption refused;
static CURLcode refusal;

#undef curl_easy_setopt
CURLcode curl_easy_setopt(CURL *easy, CURLoption option, ...)
{
    static CURLcode (*real)(CURL *, CURLoption, ...);
    va_list ap;
    va_start(ap, option);
    void *value = va_arg(ap, void *);
    va_end(ap);
    if (!real)
        real = (CURLcode(*)(CURL *, CURLoption, ...))dlsym(RTLD_NEXT, "curl_easy_setopt");
    return refusal && option == refused ? refusal : real(easy, option, value);
}

static void refuse(CURLoption option, CURLcode with)
{
    refused = option;
    refusal = with;
}

HTTP_TEST(refused_option_is_reported_with_the_error_of_libcurl)
{
    static const CURLoption options[] = { CURLOPT_HTTPHEADER, CURLOPT_PROTOCOLS_STR };
    for (size_t i = 0; i < 2; i++) { /* an option of each request, and one of each handle */
        async_http_response_auto r = NULL, f = NULL;
        refuse(options[i], CURLE_NOT_BUILT_IN);
        expect_int(await_http_get(s, at(sv, "/echo"), &r, .failed = &f), -EINVAL);
        expect_int(f->error, ASYNC_HTTP_BAD_REQUEST);
        expect_contains(f->error_text, "libcurl refused an option: error 4, A requested feature");
        refuse(options[i], CURLE_OUT_OF_MEMORY);
        async_http_response_auto g = NULL;
        expect_int(await_http_get(s, at(sv, "/echo"), &r, .failed = &g), -ENOMEM);
        expect_int(g->error, ASYNC_HTTP_RESOURCES);
        refuse(options[i], CURLE_OK);
    }
    async_http_response_auto r = NULL;
    expect_int(await_http_get(s, at(sv, "/echo"), &r), 200);
    return 0;
}

void http_cases(TCase *tc)
{
    tcase_add_test(tc, refused_option_is_reported_with_the_error_of_libcurl);
}
