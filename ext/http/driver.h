/* SPDX-License-Identifier: MIT */
/* driver.h - run the sockets and the timer of a libcurl multi handle on the event loop.
 *
 * The driver reports to its owner through struct http_driver_ops, and has no access to transfers or
 * responses. All functions are called in the loop's thread, and none from inside libcurl. */
#ifndef ASYNCIO_HTTP_DRIVER_H
#define ASYNCIO_HTTP_DRIVER_H

#include <asyncio/loop.h>
#include <curl/curl.h>
#include <sys/socket.h>

/* libcurl's work for a request grows with the number of requests and connections of its multi
 * handle. So an owner of many requests spreads them over several drivers. */
enum { HTTP_DRIVER_REQUESTS = 64 };

enum http_timer_state { HTTP_TIMER_OFF, HTTP_TIMER_SOON, HTTP_TIMER_LATER };

/* An easy handle and what the driver keeps of it. A member of the owner's own record, at an address
 * that stays the same until the handle is cleaned up. */
struct http_attachment {
    CURL *easy;
    struct http_driver *driver;
    int socket_error; /* why its latest socket could not be opened or watched; 0: it could */
    bool refused;     /* the owner's may_connect() has refused an address */
    bool unwatched;   /* in the driver's list of handles that cannot be watched */
    struct http_attachment *next_unwatched;
};

struct http_driver;

/* What the driver reports. done(), unwatched() and lost() end transfers by http_driver_remove(). */
struct http_driver_ops {
    /* Called before libcurl runs, on the loop's own stack. */
    void (*prepare)(void *owner);
    /* Returns whether libcurl may connect to a. Called from inside libcurl, after a name was
     * resolved. */
    bool (*may_connect)(void *owner, const struct sockaddr *a);
    /* libcurl has finished with the handle. */
    void (*done)(void *owner, struct http_attachment *a, CURLcode rc);
    /* The loop could not watch the handle's socket, for a->socket_error. */
    void (*unwatched)(void *owner, struct http_attachment *a);
    /* The multi handle of d is given up. The owner removes every handle that it has added to it. */
    void (*lost)(void *owner, struct http_driver *d, const char *why);
};

struct http_driver {
    const struct http_driver_ops *ops;
    void *owner;
    CURLM *multi; /* NULL: closed, or given up and not yet replaced */
    long max_connections;
    unsigned added; /* easy handles in it */
    async_callback timer;
    enum http_timer_state timer_state;
    uint64_t closed_received; /* by one connection that closed while libcurl ran last, at most */
    bool unusable; /* libcurl ran out of memory and has lost track of sockets */
    struct http_attachment *unwatched;
    struct http_socket **sockets; /* indexed by descriptor */
    size_t socket_count;
    struct http_socket *spare_sockets;
};

/* Prepare a driver, which will keep up to max_connections idle connections. Its multi handle is
 * made when the first easy handle is added. */
void http_driver_init(struct http_driver *d, const struct http_driver_ops *ops, void *owner,
                      long max_connections);

/* Make the multi handle now. Returns 0; -ENOMEM. */
int http_driver_open(struct http_driver *d);

/* Close all connections. Every handle must have been removed. d may be all zero. */
void http_driver_close(struct http_driver *d);

/* Let the sockets of a->easy be opened by the driver that it is added to. */
CURLcode http_driver_attach(struct http_attachment *a);

/* Add an attached handle and run libcurl soon. Returns CURLM_OK; libcurl's error. */
CURLMcode http_driver_add(struct http_driver *d, struct http_attachment *a);

/* Take the handle out. No callback of libcurl's reaches it afterwards. */
void http_driver_remove(struct http_attachment *a);

/* Let a handle go on that a callback has paused. libcurl may deliver data from inside of this call.
 * Returns CURLE_OK, or why the transfer has failed; it is for the caller to remove it. */
CURLcode http_driver_resume(struct http_attachment *a);

#endif
