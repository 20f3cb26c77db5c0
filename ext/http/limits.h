/* SPDX-License-Identifier: MIT */
/* limits.h - permits to start a request. They limit how many requests are under way at a time, in a
 * session and to one origin, and let a request wait for a connection that is being made.
 *
 * libcurl has limits of its own, of connections. It keeps the transfers beyond them in one list for
 * all hosts and retries only its head when any connection becomes free, so a busy host at the head
 * starves the others. Here each origin has a queue of its own, first come, first served, and the
 * time that a request spends in it is measured. CURLOPT_PIPEWAIT has a similar fault: requests for
 * a host that does not answer wait for each other's timeouts, one after the other. */
#ifndef ASYNCIO_HTTP_LIMITS_H
#define ASYNCIO_HTTP_LIMITS_H

#include <asyncio/sync.h>

struct http_origin;

struct http_limits {
    int total, per_origin; /* requests at a time; 0: no limit */
    async_semaphore free;  /* of total */
    void *origins;         /* struct http_origin of those in use; a tree of tsearch() */
};

/* What one request holds; all zero if it holds nothing. */
struct http_permit {
    struct http_limits *limits;
    struct http_origin *origin;
    bool counted;  /* holds a unit of limits->free */
    bool connects; /* other requests to this origin wait until this one has a connection */
};

/* Set the limits. 0 or less stands for no limit. */
void http_limits_init(struct http_limits *l, int total, int per_origin);

/* Wait until a request for url may start. If it shares connections with others (HTTP/2), also wait
 * for a connection to this origin that another request is making. Returns 0, and the permit in ret;
 * -ECANCELED or -ENOMEM, and holds nothing then. */
int await_http_permit(struct http_limits *l, const char *url, bool shares, struct http_permit *ret)
        ASYNC_CHECK;

/* The request has a connection, so let those requests start that wait for it. */
void http_permit_connected(struct http_permit *p);

/* Give everything back and clear p. Does nothing if p holds nothing. */
void http_permit_release(struct http_permit *p);

#endif
