/* SPDX-License-Identifier: MIT */
/* cancel.c - requests that are cancelled at any point leave nothing behind. */
#include "http_test.h"

const char *const http_suite = "http-cancel";

ASYNC_DEF(fetch, (async_http_session *)s, (const char *)url, (bool)stream)
{
    async_http_response_auto r = NULL;
    char buf[1000];
    if (!stream)
        return await_http_get(s, url, &r);
    ASYNC_TRY(await_http_open(s, "GET", url, &r));
    while (ASYNC_TRY(await_http_read(r, buf, sizeof buf)) > 0)
        ;
    return 200;
}

/* Cancel a request after 0, 1, 2, ... sleeps of step seconds, until it is complete before it is
 * cancelled three times in a row. Returns how often it was at the end. */
static int await_cancel_later_each_time(async_http_session *s, const char *url, bool stream,
                                        double step)
{
    int complete = 0, cancelled = 0;
    for (int sleeps = 0; sleeps < 400 && complete < 3; sleeps++) {
        await_task_auto t = async_create_task(fetch(s, url, stream));
        for (int i = 0; i < sleeps; i++)
            expect_ok(await_sleep(step));
        async_task_cancel(t);
        int r = await_task(t);
        expect_that(r == 200 || r == -ECANCELED, "%d", r);
        complete = r == 200 ? complete + 1 : 0;
        cancelled += r == -ECANCELED;
    }
    expect_greater(cancelled, 0);
    return complete;
}

HTTP_TEST(cancel_at_any_time_leaves_the_session_usable)
{
    static const char *const paths[] = { "/echo", "/redirect/3", "/chunked/300000",
                                         "/gzip/300000" };
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        for (int stream = 0; stream < 2; stream++) {
            const char *url = at(sv, "%s", paths[i]);
            async_ignore(await_cancel_later_each_time(s, url, stream, 0));
            expect_int(await_cancel_later_each_time(s, url, stream, 0.0002), 3);
        }
    async_http_response_auto r = NULL;
    expect_int(await_http_get(s, at(sv, "/echo"), &r), 200);
    return 0;
}

HTTP_TEST(cancel_closes_the_connection)
{
    for (int i = 0; i < 10; i++) {
        await_task_auto t = async_create_task(fetch(s, at(sv, "/silent"), i % 2));
        expect_eventually(atomic_load(&sv->requests) == i + 1);
        async_task_cancel(t);
        expect_int(await_task(t), -ECANCELED);
    }
    expect_eventually(atomic_load(&sv->open) == 0);
    expect_int(atomic_load(&sv->connections), 10);
    return 0;
}

HTTP_TEST(cancel_while_queued_passes_the_permit_on)
{
    async_http_session_auto own = NULL;
    const char *held = at(sv, "/hold"), *url = at(sv, "/echo");
    expect_ok(async_http_session_open(&own, .limit_per_host = 1));
    await_task_auto first = async_create_task(fetch(own, held, false));
    expect_eventually(atomic_load(&sv->busy) == 1);
    await_task_auto second = async_create_task(fetch(own, url, false));
    await_task_auto third = async_create_task(fetch(own, url, false));
    expect_ok(await_sleep(0));
    async_task_cancel(second);
    expect_int(await_task(second), -ECANCELED);
    atomic_store(&sv->released, true);
    expect_int(await_task(third), 200);
    expect_int(await_task(first), 200);
    expect_int(atomic_load(&sv->requests), 2);
    return 0;
}

/* With the resolver of the system; resolver.c has the cases in which it is slow. */
HTTP_TEST(cancel_while_a_name_is_looked_up_leaves_no_descriptor)
{
    int before = open_fds();
    async_http_session *own = NULL;
    expect_ok(async_http_session_open(&own));
    for (int i = 0; i < 5; i++) {
        char url[64];
        snprintf(url, sizeof url, "http://name-%d.invalid/", i);
        await_task_auto t = async_create_task(fetch(own, url, false));
        for (int k = 0; k < i + 1; k++)
            expect_ok(await_sleep(0));
        async_task_cancel(t);
        int r = await_task(t);
        expect_true(r == -ECANCELED || r == -EHOSTUNREACH);
    }
    async_http_session_close(own);
    expect_eventually(open_fds() <= before); /* the resolver's threads have ended */
    return 0;
}

HTTP_TEST(failing_request_cancels_the_others_of_its_group)
{
    const char *silent = at(sv, "/silent"), *drop = at(sv, "/drop");
    int r;
    {
        await_group (r, g) {
            for (int i = 0; i < 20; i++)
                async_spawn(g, fetch(s, silent, i % 2));
            expect_eventually(atomic_load(&sv->requests) == 20);
            async_spawn(g, fetch(s, drop, false));
        }
    }
    expect_int(r, -ENODATA);
    expect_eventually(atomic_load(&sv->open) == 0);
    return 0;
}

void http_cases(TCase *tc)
{
    tcase_add_test(tc, cancel_at_any_time_leaves_the_session_usable);
    tcase_add_test(tc, cancel_closes_the_connection);
    tcase_add_test(tc, cancel_while_queued_passes_the_permit_on);
    tcase_add_test(tc, cancel_while_a_name_is_looked_up_leaves_no_descriptor);
    tcase_add_test(tc, failing_request_cancels_the_others_of_its_group);
}
