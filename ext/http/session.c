/* SPDX-License-Identifier: MIT */
/* session.c - opening and closing: libcurl's one-time start, the settings with copies of their
 * strings, the environment, and an order of closing in which nothing is called that is gone. */
#include "http_internal.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static CURLcode global_rc;

static void global_init(void)
{
    global_rc = curl_global_init(CURL_GLOBAL_DEFAULT);
}

static bool libcurl_ready(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, global_init);
    return global_rc == CURLE_OK;
}

/* --- settings --- */

static bool keep(struct http_arena *a, const char **s)
{
    if (*s)
        *s = http_arena_text(a, *s, strlen(*s));
    return *s;
}

/* NULL stays NULL; false: no memory. */
static bool keep_all(async_http_session *s)
{
    const char **strings[] = { &s->o.user_agent, &s->o.proxy,    &s->o.no_proxy,   &s->o.ca_file,
                               &s->o.cert_file,  &s->o.key_file, &s->o.unix_socket };
    for (size_t i = 0; i < sizeof strings / sizeof *strings; i++)
        if (*strings[i] && !keep(&s->arena, strings[i]))
            return false;
    return true;
}

static bool keep_pairs(async_http_session *s)
{
    size_t n = 0;
    while (s->o.headers && s->o.headers[n])
        n++;
    const char **copy = http_arena_alloc(&s->arena, (n + 1) * sizeof *copy);
    if (!copy)
        return false;
    for (size_t i = 0; i < n; i++) {
        copy[i] = s->o.headers[i];
        if (!keep(&s->arena, &copy[i]))
            return false;
    }
    copy[n] = NULL;
    s->o.headers = copy;
    return true;
}

static const char *encodings(void)
{
    int features = curl_version_info(CURLVERSION_NOW)->features;
    bool br = features & CURL_VERSION_BROTLI, zstd = features & CURL_VERSION_ZSTD;
    return br && zstd ? "gzip, deflate, br, zstd"
           : br       ? "gzip, deflate, br"
           : zstd     ? "gzip, deflate, zstd"
                      : "gzip, deflate";
}

static bool keep_resolve(async_http_session *s)
{
    for (const char *const *p = s->o.resolve; p && *p; p++) {
        struct curl_slist *list = curl_slist_append(s->resolve, *p);
        if (!list)
            return false;
        s->resolve = list;
    }
    s->o.resolve = NULL;
    return true;
}

/* http_proxy in small letters only: in a CGI program the other spelling is a header that a client
 * has sent. */
static const char *from_env(const char *small, const char *capital)
{
    const char *value = secure_getenv(small);
    if ((!value || !*value) && capital)
        value = secure_getenv(capital);
    return value && *value ? value : NULL;
}

static bool keep_proxies(async_http_session *s)
{
    const char *none = s->o.proxy && !*s->o.proxy ? s->o.proxy : NULL;
    if (s->o.proxy) {
        s->http_proxy = s->https_proxy = none ? NULL : s->o.proxy;
    } else {
        const char *all = from_env("all_proxy", "ALL_PROXY");
        s->http_proxy = from_env("http_proxy", NULL);
        s->https_proxy = from_env("https_proxy", "HTTPS_PROXY");
        if (!s->http_proxy)
            s->http_proxy = all;
        if (!s->https_proxy)
            s->https_proxy = all;
    }
    if (!s->o.no_proxy)
        s->o.no_proxy = from_env("no_proxy", "NO_PROXY");
    if (!s->o.no_proxy)
        s->o.no_proxy = "";
    return keep(&s->arena, &s->o.no_proxy) && (!s->http_proxy || keep(&s->arena, &s->http_proxy)) &&
           (!s->https_proxy || keep(&s->arena, &s->https_proxy));
}

static int check(const async_http_session *s)
{
    struct http_error e = { 0 };
    if (s->o.struct_size == 0)
        return async_fail(-EINVAL, "options without their struct_size");
    const char *agent = s->o.user_agent ? s->o.user_agent : "";
    if (http_fields_check(&e, s->o.headers) < 0 ||
        http_fields_check(&e, ASYNC_HTTP_PAIRS("User-Agent", agent)) < 0)
        return async_fail(-EINVAL, "%s", e.text);
    if (s->o.ip != 0 && s->o.ip != 4 && s->o.ip != 6)
        return async_fail(-EINVAL, ".ip is 4, 6 or 0");
    return 0;
}

static int settle(async_http_session *s, const struct async_http_session_opts *opts)
{
    s->o.struct_size = sizeof s->o;
    if (opts)
        memcpy(&s->o, opts, http_opts_size(opts->struct_size, sizeof s->o));
    int r = check(s);
    if (r < 0)
        return r;
    if (!s->o.user_agent)
        s->o.user_agent = "asyncio/" ASYNC_VERSION;
    http_limits_init(&s->limits, s->o.limit ? s->o.limit : 100, s->o.limit_per_host);
    s->encodings = encodings();
    bool kept = keep_all(s) && keep_pairs(s) && keep_proxies(s) && keep_resolve(s);
    return kept ? http_fields_plain(s) : -ENOMEM;
}

/* TLS sessions are shared by all handles, so that a new connection to a known host costs a shorter
 * handshake. */
static int share(async_http_session *s)
{
    s->share = curl_share_init();
    if (!s->share)
        return -ENOMEM;
    CURLSHcode rc = curl_share_setopt(s->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
    if (rc == CURLSHE_OK && s->o.cookies)
        rc = curl_share_setopt(s->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_COOKIE);
    return rc == CURLSHE_OK ? 0 : -ENOMEM;
}

static void warn_insecure(const async_http_session *s)
{
    static bool said;
    if (s->o.insecure_no_verify && !__atomic_exchange_n(&said, true, __ATOMIC_RELAXED))
        fputs("asyncio: an HTTP session trusts any certificate (insecure_no_verify)\n", stderr);
}

/* --- open and close --- */

int async_http_session_open_opt(async_http_session **ret, const struct async_http_session_opts *opts)
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
    int r = settle(s, opts);
    if (r == 0)
        r = share(s);
    if (r == 0)
        r = http_driver_open(&s->driver, &http_transfer_driver_ops, s,
                             s->limits.total ? s->limits.total : 1000);
    if (r < 0) {
        async_http_session_close(s);
        return r;
    }
    warn_insecure(s);
    *ret = s;
    return 0;
}

void http_session_unref(async_http_session *s)
{
    if (--s->users)
        return;
    http_arena_free(&s->arena);
    free(s);
}

/* Transfers first, then the handles, then what they used. Tasks that wake up from this only find
 * the record and its limits, which go with the last of them. */
void async_http_session_close(async_http_session *s)
{
    if (!s)
        return;
    s->closed = true;
    http_transfers_end(s, ASYNC_HTTP_CLOSED, "the session was closed");
    http_handles_free(s);
    http_driver_close(&s->driver);
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

static int await_hold_enter(async_http_session **ret, const struct async_http_session_opts *opts)
{
    return async_http_session_open_opt(ret, opts);
}

static int await_hold_leave(async_http_session **session)
{
    async_http_session_drop(session);
    return 0;
}

ASYNC_CO(hold_enter, (async_http_session **)ret, (const struct async_http_session_opts *)opts)
ASYNC_CO(hold_leave, (async_http_session **)session)

async_hold async_http_session_hold_opt(async_http_session **ret,
                                       const struct async_http_session_opts *opts)
{
    return (async_hold){ .enter = hold_enter(ret, opts), .leave = hold_leave(ret) };
}
