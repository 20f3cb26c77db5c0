/* SPDX-License-Identifier: MIT */
/* resolver.c - names whose lookup takes long. This program's getaddrinfo() is called instead of
 * libc's. It finds each name at once, but "slow" only when the test allows it. Like libc's it
 * cannot be interrupted. */
#include "http_test.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <unistd.h>

const char *const http_suite = "http-resolver";

static atomic_int lookups, finished; /* under way; ended */
static atomic_bool slow_is_found;

struct found {
    struct addrinfo ai; /* first */
    struct sockaddr_in sa;
};

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                struct addrinfo **ret)
{
    (void)hints;
    atomic_fetch_add(&lookups, 1);
    while (strcmp(name, "slow") == 0 && !atomic_load(&slow_is_found))
        usleep(1000);
    struct found *f = calloc(1, sizeof *f);
    f->sa = (struct sockaddr_in){ .sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                  .sin_port = htons((uint16_t)(service ? atoi(service) : 0)) };
    f->ai = (struct addrinfo){ .ai_family = AF_INET,
                               .ai_socktype = SOCK_STREAM,
                               .ai_addrlen = sizeof f->sa,
                               .ai_addr = (struct sockaddr *)&f->sa };
    *ret = &f->ai;
    atomic_fetch_sub(&lookups, 1);
    atomic_fetch_add(&finished, 1);
    return 0;
}

void freeaddrinfo(struct addrinfo *ai)
{
    free(ai);
}

/* Let all lookups end. Their threads end soon after; http_test.c waits for their descriptors. */
static int await_lookups_end(void)
{
    atomic_store(&slow_is_found, true);
    expect_eventually(atomic_load(&lookups) == 0);
    return 0;
}

ASYNC_DEF(fetch, (async_http_session *)s, (const char *)host, (int)port)
{
    async_http_response_auto r = NULL;
    char url[64];
    snprintf(url, sizeof url, "http://%s:%d/echo", host, port);
    return await_http_get(s, url, &r);
}

HTTP_TEST(name_is_looked_up_once)
{
    await_task_auto t = async_create_task(fetch(s, "slow", sv->port));
    expect_eventually(atomic_load(&lookups) == 1); /* the loop runs meanwhile */
    atomic_store(&slow_is_found, true);
    expect_int(await_task(t), 200);
    expect_int(await_fetch(s, "slow", sv->port), 200); /* from the cache */
    expect_int(atomic_load(&finished), 1);
    async_http_response_auto r = NULL;
    char url[64];
    snprintf(url, sizeof url, "http://fast:%d/echo", sv->port);
    expect_int(await_http_get(s, url, &r), 200);
    expect_greater(r->times.dns, 0);
    return 0;
}

/* The thread cannot be stopped. It goes on alone. */
HTTP_TEST(cancel_does_not_wait_for_a_lookup)
{
    await_task_auto t = async_create_task(fetch(s, "slow", sv->port));
    expect_eventually(atomic_load(&lookups) == 1);
    async_task_cancel(t);
    expect_int(await_task(t), -ECANCELED);
    expect_int(atomic_load(&lookups), 1);
    expect_ok(await_lookups_end());
    expect_ok(atomic_load(&sv->connections));
    return 0;
}

HTTP_TEST(timeouts_apply_during_a_lookup)
{
    async_http_response_auto r = NULL, a = NULL, b = NULL;
    char url[64];
    snprintf(url, sizeof url, "http://slow:%d/echo", sv->port);
    expect_int(await_http_get(s, url, &r, .timeout = 0.05 * slowdown(), .failed = &a), -ETIMEDOUT);
    expect_int(await_http_get(s, url, &r, .connect_timeout = 0.05 * slowdown(), .failed = &b),
               -ETIMEDOUT);
    expect_int(b->error, ASYNC_HTTP_TIMEOUT);
    expect_ok(atomic_load(&finished));
    expect_ok(await_lookups_end());
    expect_int(atomic_load(&finished), 2);
    return 0;
}

HTTP_TEST(session_close_does_not_wait_for_a_lookup)
{
    async_http_session *own = NULL;
    expect_ok(async_http_session_open(&own));
    await_task_auto t = async_create_task(fetch(own, "slow", sv->port));
    expect_eventually(atomic_load(&lookups) == 1);
    async_http_session_close(own);
    expect_int(await_task(t), -EPIPE);
    expect_int(atomic_load(&lookups), 1);
    expect_ok(await_lookups_end());
    return 0;
}

/* libcurl waits for its resolver on descriptors that it closes without a callback. Their numbers
 * are used again by other sockets, which must not be mistaken for them. */
HTTP_TEST(reused_descriptor_number_is_a_new_socket)
{
    for (int i = 0; i < 60; i++) {
        await_task_auto out = async_create_task(fetch(s, i % 2 ? "slow" : "fast", sv->port));
        await_task_auto in = async_create_task(fetch(s, "127.0.0.1", sv->port));
        for (int k = 0; k < i % 7; k++)
            expect_ok(await_sleep(k % 2 ? 0 : 0.0005));
        async_task_cancel(out);
        async_ignore(await_task(out));
        expect_int(await_task(in), 200);
    }
    return await_lookups_end();
}

void http_cases(TCase *tc)
{
    tcase_add_test(tc, name_is_looked_up_once);
    tcase_add_test(tc, cancel_does_not_wait_for_a_lookup);
    tcase_add_test(tc, timeouts_apply_during_a_lookup);
    tcase_add_test(tc, session_close_does_not_wait_for_a_lookup);
    tcase_add_test(tc, reused_descriptor_number_is_a_new_socket);
}
