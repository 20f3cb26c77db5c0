/* SPDX-License-Identifier: MIT */
/* Fetch 2,000 URLs of an API in one session, at most 10 at a time, and keep the results in
 * order. In Python:
 *
 *     async with ClientSession() as session:
 *         pages = await asyncio.gather(*(fetch(session, u) for u in urls))
 *
 * The API is served by this program, too, which counts how many requests it had at a time. */
#include <asyncio.h>
#include <asyncio/http.h>
#include <asyncio/web.h>
#include <stdio.h>
#include <stdlib.h>

enum { URLS = 2000, LIMIT = 10 };
static const double delay = 0.01; /* seconds until the API answers a request */

/* ---- the API ---- */

ASYNC_DEF(get_item, (async_web_request *)rq)
{
    ASYNC_TRY(await_sleep(delay));
    return async_web_text(rq, 200, "{\"item\": %s}", async_web_param(rq, "id"));
}

static const async_web_route routes[] = { { "GET", "/items/{id}", get_item }, { 0 } };

/* ---- the fetcher ---- */

static char urls[URLS][64];
static async_http_response *pages[URLS];
static async_co fetches[URLS];

ASYNC_DEF(fetch, (async_http_session *)session, (async_semaphore *)limit, (const char *)url,
          (async_http_response **)ret)
{
    int r;
    await_with (r, limit)
        r = await_http_get(session, url, ret, .raise_for_status = true);
    return r;
}

ASYNC_DEF(fetch_all, (async_http_session *)session)
{
    async_semaphore limit = ASYNC_SEMAPHORE(LIMIT);
    for (int i = 0; i < URLS; i++)
        fetches[i] = fetch(session, &limit, urls[i], &pages[i]);
    return await_gather_n(fetches, URLS, NULL);
}

/* Count the pages that have the content of their URL. Whichever was fetched first, each result is
 * at the index of its URL. */
static int count_right(void)
{
    int right = 0;
    for (int i = 0; i < URLS; i++) {
        char expected[64];
        snprintf(expected, sizeof expected, "{\"item\": %d}", i);
        right += pages[i] && strcmp(pages[i]->body, expected) == 0;
        async_http_response_drop(&pages[i]);
    }
    return right;
}

ASYNC_DEF(amain)
{
    await_web_server_auto server = NULL;
    async_http_session_auto session = NULL;
    ASYNC_TRY(async_web_server_start(routes, &server));
    ASYNC_TRY(async_http_session_open(&session, .proxy = ""));
    for (int i = 0; i < URLS; i++)
        snprintf(urls[i], sizeof urls[i], "http://127.0.0.1:%d/items/%d",
                 async_web_server_port(server), i);

    double start = async_time();
    int r = await_fetch_all(session);
    double seconds = async_time() - start, sequential = URLS * delay;
    int right = count_right();
    ASYNC_TRY(r);

    printf("%d responses, %d of them right and in order\n", URLS, right);
    printf("at most %zu at a time\n", async_web_server_stats(server).most);
    printf("%.1f s instead of %.0f s one after the other: a fraction of %.2f\n", seconds,
           sequential, seconds / sequential);
    return right == URLS && async_web_server_stats(server).most == LIMIT ? 0 : -EPROTO;
}

int main(void)
{
    return async_main(amain());
}
