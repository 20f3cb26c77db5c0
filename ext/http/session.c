/* SPDX-License-Identifier: MIT */
/* session.c - open and close sessions. */
#include "session.h"

#include <asyncio/error.h>
#include <asyncio/with.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "easy_handle.h"
#include "session_options.h"
#include "transfer.h"

enum {
    IDLE_CONNECTIONS = 1000,                     /* kept by a session without a limit */
    MAX_DRIVERS = 16,                            /* of such a session */
    MIN_IDLE_CONNECTIONS = HTTP_DRIVER_REQUESTS, /* kept by each driver, at least */
};

static CURLcode global_rc;

static void init_libcurl(void)
{
    global_rc = curl_global_init(CURL_GLOBAL_DEFAULT);
}

static bool libcurl_ready(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, init_libcurl);
    return global_rc == CURLE_OK;
}

/* All handles share TLS sessions, so that a new connection to a known host takes a shorter
 * handshake; addresses of hosts, which otherwise each driver would look up; and cookies, if the
 * session keeps them. */
static int open_share(async_http_session *s)
{
    s->share = curl_share_init();
    if (!s->share)
        return -ENOMEM;
    CURLSHcode rc = curl_share_setopt(s->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
    if (rc == CURLSHE_OK)
        rc = curl_share_setopt(s->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS);
    if (rc == CURLSHE_OK && s->o.cookies)
        rc = curl_share_setopt(s->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_COOKIE);
    return rc == CURLSHE_OK ? 0 : -ENOMEM;
}

static void warn_if_insecure(const async_http_session *s)
{
    static bool warned;
    if (s->o.insecure_no_verify && !__atomic_exchange_n(&warned, true, __ATOMIC_RELAXED))
        fputs("asyncio: HTTP session does not verify certificates (insecure_no_verify is set)\n",
              stderr);
}

/* Make as many drivers as the session may have requests for. */
static int open_drivers(async_http_session *s)
{
    int total = s->limits.total;
    int n = total ? (total + HTTP_DRIVER_REQUESTS - 1) / HTTP_DRIVER_REQUESTS : MAX_DRIVERS;
    if (n > MAX_DRIVERS)
        n = MAX_DRIVERS;
    long idle = (total ? total : IDLE_CONNECTIONS) / n;
    s->drivers = calloc((size_t)n, sizeof *s->drivers);
    if (!s->drivers)
        return -ENOMEM;
    s->driver_count = n;
    for (int i = 0; i < n; i++)
        http_driver_init(&s->drivers[i], &http_transfer_driver_ops, s,
                         n > 1 && idle < MIN_IDLE_CONNECTIONS ? MIN_IDLE_CONNECTIONS : idle);
    return http_driver_open(&s->drivers[0]);
}

static void close_drivers(async_http_session *s)
{
    for (int i = 0; i < s->driver_count; i++)
        http_driver_close(&s->drivers[i]);
    free(s->drivers);
}

static int open_session_parts(async_http_session *s, const struct async_http_session_opts *opts)
{
    int r = http_session_configure(s, opts);
    if (r == 0)
        r = open_share(s);
    return r == 0 ? open_drivers(s) : r;
}

int async_http_session_open_opt(async_http_session **ret, const struct async_http_session_opts *o)
{
    async_loop *loop = async_get_running_loop();
    if (!loop)
        return -EPERM;
    if (!libcurl_ready())
        return -ENOMEM;
    async_http_session *s = calloc(1, sizeof *s);
    if (!s)
        return -ENOMEM;
    s->loop = loop;
    s->users = 1;
    http_arena_init(&s->arena);
    int r = open_session_parts(s, o);
    if (r < 0) {
        async_http_session_close(s);
        return r;
    }
    warn_if_insecure(s);
    *ret = s;
    return 0;
}

void http_session_unref(async_http_session *s)
{
    if (--s->users)
        return;
    http_proxies_wipe(&s->proxies);
    http_arena_free(&s->arena);
    free(s);
}

/* First the transfers end, then the handles are freed, then what both have used. A task that wakes
 * up because of this uses only the record of the session and its limits, which are freed when the
 * last such task has left. */
void async_http_session_close(async_http_session *s)
{
    if (!s)
        return;
    s->closed = true;
    http_transfers_end(s, ASYNC_HTTP_CLOSED, "HTTP session was closed");
    http_handles_free(s);
    close_drivers(s);
    if (s->share)
        curl_share_cleanup(s->share);
    curl_slist_free_all(s->resolve);
    http_session_unref(s);
}

void async_http_session_drop(async_http_session **session)
{
    async_http_session_close(*session);
    *session = NULL;
}

/* --- as a context manager --- */

static int await_session_enter(async_http_session **ret, const struct async_http_session_opts *opts)
{
    return async_http_session_open_opt(ret, opts);
}

static int await_session_leave(async_http_session **session)
{
    async_http_session_drop(session);
    return 0;
}

ASYNC_CO(session_enter, (async_http_session **)ret, (const struct async_http_session_opts *)opts)
ASYNC_CO(session_leave, (async_http_session **)session)

async_context_manager async_http_session_context_manager_opt(
        async_http_session **ret, const struct async_http_session_opts *opts)
{
    return (async_context_manager){ .enter = session_enter(ret, opts),
                                    .leave = session_leave(ret) };
}
