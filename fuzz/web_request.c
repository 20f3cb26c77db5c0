/* SPDX-License-Identifier: MIT */
/* web_request.c - fuzz the web server through a real connection on the loopback device. The input
 * is what a client sends.
 *
 * Each request that a handler receives must be one that a strict reader (strict_http.h) finds in
 * the input at that point, with the same method, path and body. Otherwise a request could be
 * smuggled past a proxy. The server must answer with valid responses, one for each request and at
 * most one more for what is not a request, and in the same way however the bytes are split.
 *
 * Inputs with a NUL only have to do no harm: libmicrohttpd 0.9 overwrites the ends of lines with
 * zeros, so the server cannot always tell such a byte from an end. */
#include "fuzz.h"
#include "strict_http.h"

#include <asyncio.h>
#include <asyncio/web.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    IDLE_ITERATIONS = 10, /* of the loop, after which the server will not send anything more */
    HANDLED_MAX = 512,
    ANSWER_MAX = 1 << 18,
    SHORT_INPUT =
            1500 /* bytes, which never need more memory than the server allows for a request */
};

/* --- the server --- */

struct handled {
    char *method, *path, *body;
    size_t body_size;
};

/* What happens on the one connection that there is at a time. */
struct exchange {
    struct handled handled[HANDLED_MAX];
    size_t handled_count;
    char client[64]; /* its address, by which requests of an earlier connection are told apart */
    char answer[ANSWER_MAX]; /* all that the server has sent */
    size_t answer_size;
    bool reset; /* by the server, so that the ends of its answers may be lost */
};
static struct exchange *current;

static int port;

ASYNC_DEF(handle, (async_web_request *)rq)
{
    if (!current || strcmp(async_web_peer(rq), current->client) != 0)
        return -EPIPE;
    fuzz_check(current->handled_count < HANDLED_MAX, "too many requests");
    struct handled *h = &current->handled[current->handled_count++];
    const void *body = async_web_body(rq, &h->body_size);
    h->method = fuzz_text(async_web_method(rq), strlen(async_web_method(rq)));
    h->path = fuzz_text(async_web_path(rq), strlen(async_web_path(rq)));
    h->body = fuzz_text(body, h->body_size);
    return async_web_text(rq, 200, "%zu\n", h->body_size);
}

static const async_web_route routes[] = { { "*", "/{path...}", handle }, { 0 } };

ASYNC_DEF(start_server)
{
    static async_web_server *server; /* serves until the process ends */
    return async_web_server_start(routes, &server, .ret_port = &port, .header_limit = 4096,
                                  .body_limit = 2000);
}

/* --- the client --- */

static void set_event(void *event)
{
    async_event_set(event);
}

/* Let the loop poll all descriptors once: it runs what other threads have sent after that. */
static int await_iteration(void)
{
    async_event polled = { 0 };
    ASYNC_TRY(async_call_soon_threadsafe(async_get_running_loop(), set_event, &polled));
    return await_event_wait(&polled);
}

/* libFuzzer's timer interrupts calls. The kernel must neither hold back a short piece until an
 * earlier one was acknowledged, nor keep the address for a minute afterwards. So the socket is
 * closed by a reset. */
static int connect_to_server(struct exchange *x)
{
    struct sockaddr_in a = { .sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct linger reset = { .l_onoff = 1 };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    fuzz_check(fd >= 0, "socket: %s", strerror(errno));
    /* asyncio: allow blocking: a connection on the loopback device is there at once */
    while (connect(fd, (struct sockaddr *)&a, sizeof a) < 0 && errno != EISCONN)
        fuzz_check(errno == EINTR || errno == EALREADY, "connect: %s", strerror(errno));
    socklen_t length = sizeof a;
    getsockname(fd, (struct sockaddr *)&a, &length);
    snprintf(x->client, sizeof x->client, "127.0.0.1:%d", ntohs(a.sin_port));
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
    return fd;
}

/* Receive what has come. Returns whether there was anything; *ended: the server has closed. */
static bool receive_some(int fd, struct exchange *x, bool *ended)
{
    ssize_t n = recv(fd, x->answer + x->answer_size, ANSWER_MAX - x->answer_size, MSG_DONTWAIT);
    x->reset |= n < 0 && errno == ECONNRESET;
    *ended = n == 0 || x->reset;
    if (n <= 0)
        return false;
    x->answer_size += (size_t)n;
    fuzz_check(x->answer_size < ANSWER_MAX, "the server does not stop to send");
    return true;
}

/* Receive until the server closes the connection, or has nothing more to send. */
static int await_answer(int fd, struct exchange *x)
{
    bool ended = false;
    for (int idle = 0; idle < IDLE_ITERATIONS && !ended; idle++) {
        ASYNC_TRY(await_iteration());
        while (receive_some(fd, x, &ended))
            idle = 0;
    }
    return 0;
}

/* Send the input, in pieces unless random is NULL, and receive the answers. If the server has
 * closed the connection, the rest of the input is not sent. */
static int await_exchange(int fd, const char *bytes, size_t size, struct fuzz_random *random,
                          struct exchange *x)
{
    for (size_t at = 0, n; at < size; at += n) {
        n = random ? fuzz_random_piece(random, size - at) : size - at;
        ssize_t sent = send(fd, bytes + at, n, MSG_NOSIGNAL | MSG_DONTWAIT);
        x->reset |= sent < 0 && errno == ECONNRESET;
        if (sent < 0)
            break;
        n = (size_t)sent;
        for (size_t i = random ? fuzz_random_below(random, 3) : 0; i > 0; i--)
            ASYNC_TRY(await_iteration());
    }
    return await_answer(fd, x);
}

/* Let the server notice that the connection is closed, before the next one begins. */
ASYNC_DEF(run_exchange, (const char *)bytes, (size_t)size, (struct fuzz_random *)random,
          (struct exchange *)x)
{
    int fd = connect_to_server(x);
    current = x;
    int r = await_exchange(fd, bytes, size, random, x);
    close(fd);
    for (int i = 0; i < 3 && r == 0; i++)
        r = await_iteration();
    current = NULL;
    return r;
}

/* --- what must hold --- */

static bool is_same_request(const struct handled *h, const struct strict_request *rq)
{
    return strcmp(h->method, rq->method) == 0 && strcmp(h->path, rq->path) == 0 &&
           h->body_size == rq->body_size && memcmp(h->body, rq->body, h->body_size) == 0;
}

/* Read the next response that is not an interim one. Returns false at the end. */
static bool next_response(const struct exchange *x, size_t *at, bool bodiless,
                          struct strict_response *ret)
{
    do {
        enum strict_result r =
                strict_response_read(x->answer + *at, x->answer_size - *at, bodiless, ret);
        if (*at == x->answer_size || (r == STRICT_INCOMPLETE && x->reset))
            return false;
        fuzz_check(r == STRICT_COMPLETE, "invalid response (%d):\n%.*s", (int)r,
                   (int)(x->answer_size - *at), x->answer + *at);
        *at += ret->size;
    } while (ret->status < 200);
    return true;
}

/* How far an exchange was checked. */
struct progress {
    size_t sent, answered; /* bytes */
    size_t handled;        /* requests */
};

/* The strict reader has found a request. Compare it with the response to it, and with what a
 * handler has received. Returns false if the server has ended the connection there. */
static bool check_request(const struct exchange *x, const struct strict_request *rq,
                          struct progress *p)
{
    struct strict_response res;
    const struct handled *h = &x->handled[p->handled];
    bool handled = p->handled < x->handled_count && is_same_request(h, rq);
    bool got = next_response(x, &p->answered, strcmp(rq->method, "HEAD") == 0, &res);
    fuzz_check(got || x->reset || p->sent > 0, "no response to the first request");
    if (got && res.status == 200) {
        fuzz_check(handled, "%s %s was answered, but the handler has received %s %s", rq->method,
                   rq->path, p->handled < x->handled_count ? h->method : "nothing",
                   p->handled < x->handled_count ? h->path : "");
        fuzz_check(!rq->bad_target, "a target with blanks or control characters was accepted");
    }
    p->handled += handled && (got ? res.status == 200 : x->reset);
    p->sent += rq->size;
    return got ? !res.closes : x->reset;
}

/* The strict reader finds no complete request here. The server may have answered that it is bad, or
 * that it is too long; only chunks may be read less strictly, since nothing is read behind them. */
static void check_end(const struct exchange *x, size_t at, size_t handled, enum strict_result why)
{
    struct strict_response res;
    bool bodiless = strict_response_read(x->answer + at, x->answer_size - at, false, &res) !=
                    STRICT_COMPLETE; /* it may answer a HEAD */
    if (!next_response(x, &at, bodiless, &res)) {
        fuzz_check(x->handled_count == handled, "a request was handled without a response");
        return;
    }
    fuzz_check(res.status >= 400 || why == STRICT_BAD_CHUNKS,
               "status %d for what is not a request (%d)", res.status, (int)why);
    fuzz_check(at == x->answer_size, "more than one answer to what is not a request:\n%.*s",
               (int)x->answer_size, x->answer);
    fuzz_check(x->handled_count == handled + (res.status == 200), "%zu handled, not %zu",
               x->handled_count, handled);
}

/* Compare what the server has done with what the strict reader finds. */
static void check_exchange(const char *bytes, size_t size, const struct exchange *x)
{
    struct strict_request rq;
    struct progress p = { 0 };
    enum strict_result found;
    bool goes_on = true;
    while (goes_on &&
           (found = strict_request_read(bytes + p.sent, size - p.sent, &rq)) == STRICT_COMPLETE) {
        goes_on = check_request(x, &rq, &p);
        strict_request_free(&rq);
    }
    if (goes_on) {
        strict_request_free(&rq);
        check_end(x, p.answered, p.handled, found);
    } else {
        fuzz_check(p.answered == x->answer_size, "more behind the last response");
        fuzz_check(p.handled == x->handled_count, "%zu of %zu handled requests were answered",
                   p.handled, x->handled_count);
    }
}

/* The dates in the answers may differ. */
static void check_same(const struct exchange *a, const struct exchange *b)
{
    fuzz_check(a->handled_count == b->handled_count, "%zu requests as a whole, %zu in pieces",
               a->handled_count, b->handled_count);
    fuzz_check(a->answer_size == b->answer_size, "as a whole:\n%.*s\nin pieces:\n%.*s",
               (int)a->answer_size, a->answer, (int)b->answer_size, b->answer);
}

/* --- one input --- */

static void exchange_reset(struct exchange *x)
{
    for (size_t i = 0; i < x->handled_count; i++) {
        free(x->handled[i].method);
        free(x->handled[i].path);
        free(x->handled[i].body);
    }
    x->handled_count = x->answer_size = 0;
    x->reset = false;
}

static void run_once(async_runner *runner, const uint8_t *data, size_t size,
                     struct fuzz_random *random, struct exchange *x)
{
    int r = async_runner_run(runner, run_exchange((const char *)data, size, random, x));
    fuzz_check(r == 0, "the run returned %d", r);
    if (!memchr(data, 0, size))
        check_exchange((const char *)data, size, x);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static async_runner *runner;
    static struct exchange whole, split;
    struct fuzz_random random;
    fuzz_random_init(&random, data, size);
    if (!runner) {
        runner = async_runner_open(NULL);
        fuzz_check(runner && async_runner_run(runner, start_server()) == 0, "no server");
    }
    run_once(runner, data, size, NULL, &whole);
    run_once(runner, data, size, &random, &split);
    if (size <= SHORT_INPUT && !whole.reset && !split.reset)
        check_same(&whole, &split);
    exchange_reset(&whole);
    exchange_reset(&split);
    return 0;
}
