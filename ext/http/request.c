/* SPDX-License-Identifier: MIT */
/* request.c - await_http_request() and await_http_open(), from the options of a call to its
 * response. All of it runs in the caller's task. */
#include <asyncio/error.h>
#include <asyncio/scope.h>
#include <asyncio/task.h>
#include <errno.h>
#include <string.h>

#include "authorization.h"
#include "call.h"
#include "redirect.h"
#include "request_body.h"
#include "request_headers.h"
#include "transfer.h"
#include "url.h"

/* --- options --- */

#define DEFAULT_TIMEOUT         300
#define DEFAULT_CONNECT_TIMEOUT 30
#define DEFAULT_STALL_TIMEOUT   60
#define DEFAULT_MAX_BODY        ((size_t)64 * 1024 * 1024)
#define DEFAULT_MAX_REDIRECTS   10

static double choose_seconds(double call, double session, double otherwise)
{
    return call != 0 ? call : session != 0 ? session : otherwise;
}

static size_t choose_size(size_t call, size_t session, size_t otherwise)
{
    return call ? call : session ? session : otherwise;
}

static int choose_int(int call, int session, int otherwise)
{
    return call ? call : session ? session : otherwise;
}

/* Copy the options and fill in defaults. The session's .timeout and .max_body are meant for whole
 * responses and would end long streams, so streams do not use them. */
static void merge_options(struct http_call *c, const struct async_http_opts *opts)
{
    struct async_http_opts *o = &c->o;
    const struct async_http_session_opts *d = &c->session->o;
    o->struct_size = sizeof *o;
    if (opts)
        memcpy(o, opts, http_opts_size(opts->struct_size, sizeof *o));
    o->timeout = c->stream ? choose_seconds(o->timeout, 0, ASYNC_FOREVER)
                           : choose_seconds(o->timeout, d->timeout, DEFAULT_TIMEOUT);
    o->max_body = c->stream ? choose_size(o->max_body, 0, SIZE_MAX)
                            : choose_size(o->max_body, d->max_body, DEFAULT_MAX_BODY);
    o->connect_timeout =
            choose_seconds(o->connect_timeout, d->connect_timeout, DEFAULT_CONNECT_TIMEOUT);
    o->stall_timeout = choose_seconds(o->stall_timeout, d->stall_timeout, DEFAULT_STALL_TIMEOUT);
    o->max_redirects = choose_int(o->max_redirects, d->max_redirects, DEFAULT_MAX_REDIRECTS);
    o->http1 = o->http1 || d->http1;
    c->location_trusted = o->location_trusted || d->location_trusted;
}

/* --- preparing the first hop --- */

static int prepare_url(struct http_call *c, const char *url)
{
    struct http_url u;
    int r = http_url_read_relative(&c->res->arena, c->session->o.base_url, url, c->o.query,
                                   &c->res->error, &u);
    c->res->pub.url = u.text;
    if (r == 0)
        r = http_auth_choose(c, u.user, u.password);
    http_url_free_secrets(&u);
    return r;
}

/* Check the options, and prepare the URL, the body and the headers of the first hop. */
static int prepare_request(struct http_call *c, const char *url)
{
    struct http_error *e = &c->res->error;
    if (c->o.struct_size == 0)
        return http_fail(e, ASYNC_HTTP_BAD_REQUEST,
                         "request options have no struct_size: use the macros");
    if (!http_is_token(c->method))
        return http_fail(e, ASYNC_HTTP_BAD_REQUEST, "bad method");
    int r = http_headers_check(c->o.headers, e);
    if (r == 0)
        r = http_body_choose(c);
    if (r == 0 && c->o.content_type)
        r = http_headers_check(ASYNC_HTTP_PAIRS("Content-Type", c->o.content_type), e);
    if (r == 0)
        r = prepare_url(c, url);
    return r == 0 ? http_headers_build(c) : r;
}

/* Make the response, and copy into it the options that matter while it is received. */
static int prepare_call(struct http_call *c, const char *url, const struct async_http_opts *opts)
{
    struct http_response *res = c->res = http_response_new();
    if (!res)
        return -ENOMEM;
    merge_options(c, opts);
    res->began = async_time();
    res->stream = c->stream;
    res->head = c->method && strcmp(c->method, "HEAD") == 0;
    res->decompress = !c->o.no_decompress;
    res->follow = c->o.max_redirects >= 0;
    res->max_body = c->o.max_body;
    res->deadline = c->stream ? res->began + c->o.timeout : ASYNC_FOREVER;
    return prepare_request(c, url);
}

/* --- hops --- */

/* A session that was closed meanwhile lets its requests through one after the other, as each gives
 * its permit to the next. */
static int await_permit(struct http_call *c, struct http_permit *ret)
{
    struct http_response *res = c->res;
    double before = async_time();
    bool shares = !c->o.http1 && !c->stream && http_url_is_https(res->pub.url);
    int r = await_http_permit(&c->session->limits, res->pub.url, shares, ret);
    if (r == 0 && c->session->closed) {
        http_permit_release(ret);
        r = -EPIPE;
    }
    res->pub.times.queued += async_time() - before;
    return r;
}

/* On return a stream is still attached to its transfer if its headers are complete. Everything else
 * has ended, whatever the result is. */
static int await_hop(struct http_call *c)
{
    struct http_response *res = c->res;
    struct http_permit permit = { 0 };
    int r = await_permit(c, &permit);
    if (r < 0)
        return r;
    r = http_transfer_start(c, &permit);
    if (r < 0) {
        http_permit_release(&permit);
        return r;
    }
    r = await_event_wait(&res->ready);
    if (r < 0) {
        http_response_stop(res);
        return r;
    }
    return res->finished && !res->opened ? res->result : 0;
}

static int await_hops(struct http_call *c)
{
    int r = await_hop(c);
    while (r == 0 && c->res->redirect) {
        r = http_redirect_follow(c);
        if (r == 0)
            r = await_hop(c);
    }
    return r;
}

static int await_hops_in_time(struct http_call *c)
{
    if (c->o.timeout >= ASYNC_FOREVER)
        return await_hops(c);
    int r = 0;
    await_timeout (r, c->o.timeout)
        r = await_hops(c);
    return r;
}

/* --- the result --- */

static const char *phase_name(const struct http_response *res)
{
    return res->headers_done    ? "receiving the body"
           : res->hop_began > 0 ? "waiting for the response"
                                : "queued for a connection";
}

/* Give a name to an error that has none yet. */
static void name_error(struct http_call *c, int r)
{
    struct http_response *res = c->res;
    struct http_error *e = &res->error;
    if (r == -ETIMEDOUT)
        http_fail(e, ASYNC_HTTP_TIMEOUT, "timed out after %g s while %s", c->o.timeout,
                  phase_name(res));
    else if (r == -ECANCELED)
        http_fail(e, ASYNC_HTTP_CANCELED, "cancelled while %s", phase_name(res));
    else if (r == -EPIPE)
        http_fail(e, ASYNC_HTTP_CLOSED, "HTTP session was closed");
    else
        http_fail_errno(e, ASYNC_HTTP_RESOURCES, r, "%s", strerror(-r));
}

/* A stream whose status is an error is still attached to its transfer; stop it. Finish the response
 * for the sake of a caller that gets it through .failed and reads it. */
static int fail_call(struct http_call *c, int r)
{
    struct http_response *res = c->res;
    if (!res)
        return r;
    name_error(c, r);
    http_response_stop(res);
    http_response_finish(res, r);
    if (*res->pub.url)
        r = async_fail(r, "%.56s: %.66s", res->pub.url, res->error.text);
    else
        r = async_fail(r, "%s", res->error.text);
    if (c->o.failed)
        *c->o.failed = &res->pub;
    else
        async_http_response_free(&res->pub);
    return r;
}

static int check_status(struct http_call *c)
{
    struct http_response *res = c->res;
    if (c->o.raise_for_status && res->pub.status >= 400)
        return http_fail(&res->error, ASYNC_HTTP_STATUS, "HTTP status %d %.80s", res->pub.status,
                         res->pub.reason);
    return 0;
}

/* Make a call from its options to its response. Returns the status, or an error, and then the
 * response is freed or passed on through .failed. */
static int await_call(struct http_call *c, const char *url, const struct async_http_opts *opts,
                      async_http_response **ret)
{
    async_http_session *s = c->session;
    if (!s || s->loop != async_get_running_loop())
        return async_fail(-EPERM, "HTTP session is NULL or belongs to another loop");
    if (opts && opts->failed)
        *opts->failed = NULL;
    s->users++;
    int r = prepare_call(c, url, opts);
    if (r == 0)
        r = await_hops_in_time(c);
    if (r == 0)
        r = check_status(c);
    if (r == 0 && c->res->source)
        c->res->source->ops->measure(c->res->source);
    if (r < 0) {
        r = fail_call(c, r);
    } else {
        *ret = &c->res->pub;
        r = c->res->pub.status;
    }
    http_session_unref(s);
    return r;
}

int await_http_request_opt(async_http_session *session, const char *method, const char *url,
                           const struct async_http_opts *opts, async_http_response **ret)
{
    struct http_call c = { .session = session, .method = method };
    return await_call(&c, url, opts, ret);
}

int await_http_open_opt(async_http_session *session, const char *method, const char *url,
                        const struct async_http_opts *opts, async_http_response **ret)
{
    struct http_call c = { .session = session, .method = method, .stream = true };
    return await_call(&c, url, opts, ret);
}
