/* SPDX-License-Identifier: MIT */
/* Bodies that handlers read while they arrive. */
#include "harness.h"

#include "fake_clock.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static atomic_int begun, ended;
static async_event go_on;

/* Add up the bytes of the body. */
ASYNC_DEF(sum_up, (async_web_request *)rq)
{
    char buf[5000];
    size_t size = 0, sum = 0;
    ssize_t n;
    begun++;
    while ((n = await_web_read(rq, buf, sizeof buf)) > 0)
        for (ssize_t i = 0; i < n; i++, size++)
            sum += (unsigned char)buf[i] * (size % 7 + 1);
    ended++;
    if (n < 0)
        return (int)n;
    expect_int(await_web_read(rq, buf, 1), 0); /* the end stays the end */
    expect_int(await_web_read(rq, buf, 0), -EINVAL);
    return async_web_text(rq, 200, "%zu %zu", size, sum);
}

/* Echo each part at once, which needs the whole body first. */
ASYNC_DEF(respond_early, (async_web_request *)rq)
{
    char c;
    ssize_t n = ASYNC_TRY(await_web_read(rq, &c, 1));
    expect_int(n, 1);
    expect_int(await_web_stream_begin(rq, 200, NULL), -EBUSY);
    return async_web_text(rq, 403, "no");
}

ASYNC_DEF(wait_then_sum, (async_web_request *)rq)
{
    begun++;
    ASYNC_TRY(await_event_wait(&go_on));
    return await_sum_up(rq);
}

ASYNC_DEF(release, (async_web_request *)rq)
{
    async_event_set(&go_on);
    return async_web_text(rq, 200, "released");
}

static const async_web_route streamed[] = { { "POST", "/sum", sum_up },
                                            { "POST", "/early", respond_early },
                                            { "POST", "/wait", wait_then_sum },
                                            { 0 } };
static const async_web_route routes[] = { { "POST", "/whole", sum_up },
                                          { "GET", "/sum", release },
                                          { 0 } };

static char big[5 << 20];

static void fill_big(void)
{
    for (size_t i = 0; i < sizeof big; i++)
        big[i] = (char)(i * i % 251);
}

static void expect_sum(int fd, size_t size)
{
    char expected[60];
    size_t sum = 0;
    for (size_t i = 0; i < size; i++)
        sum += (unsigned char)big[i] * (i % 7 + 1);
    snprintf(expected, sizeof expected, "%zu %zu", size, sum);
    struct response r = read_response(fd);
    expect_int(r.status, 200);
    expect_text(r.body, expected);
    free(r.body);
}

static void upload(int port, void *arg)
{
    static const char *const paths[] = { "/sum", "/whole" };
    (void)arg;
    for (int i = 0; i < 2; i++) {
        int fd = connect_to(port);
        for (size_t size = 0; size <= (i ? 1 << 20 : sizeof big); size = size * 5 + 1) {
            send_text(fd, "POST %s HTTP/1.1\r\nHost: h\r\nContent-Length: %zu\r\n\r\n", paths[i],
                      size);
            send_bytes(fd, big, size);
            expect_sum(fd, size);
        }
        close(fd);
    }
}

TEST(streamed_body_of_any_size_is_read)
{
    fill_big();
    serve(routes, (struct async_web_opts){ .streamed = streamed }, upload, NULL);
}

static void upload_chunks(int port, void *arg)
{
    (void)arg;
    int fd = connect_to(port);
    send_text(fd, "POST /sum HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
    size_t size = 0;
    for (size_t n = 1; size + n < sizeof big / 2; size += n, n = n * 3 % 70001 + 1) {
        send_text(fd, "%zx\r\n", n);
        send_bytes(fd, big + size, n);
        send_text(fd, "\r\n");
    }
    send_text(fd, "0\r\n\r\n");
    expect_sum(fd, size);
    close(fd);
}

TEST(streamed_body_in_chunks_is_read)
{
    fill_big();
    serve(routes, (struct async_web_opts){ .streamed = streamed }, upload_chunks, NULL);
}

static void upload_slowly(int port, void *arg)
{
    (void)arg;
    int fd = connect_to(port);
    send_text(fd, "POST /sum HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n");
    wait_until(&begun, 1); /* before any of the body */
    for (int i = 0; i < 10; i++) {
        send_bytes(fd, big + 10 * i, 10);
        expect_response(port, 200, NULL, "GET /sum HTTP/1.1");
    }
    expect_sum(fd, 100);
    close(fd);
}

TEST(handler_begins_before_the_streamed_body_arrives)
{
    fill_big();
    serve(routes, (struct async_web_opts){ .streamed = streamed }, upload_slowly, NULL);
}

/* Neither the handler's waiting nor the length of the upload as a whole is a fault of the client.
 * */
static void upload_with_pauses(int port, void *arg)
{
    (void)arg;
    fake_clock_stop();
    int fd = connect_to(port);
    send_text(fd, "POST /wait HTTP/1.1\r\nHost: h\r\nContent-Length: 200000\r\n\r\n");
    for (int i = 0; i < 4; i++) {
        send_bytes(fd, big + 50000 * i, 50000);
        skip_seconds(8);
    }
    for (int i = 0; i < 10; i++)
        skip_seconds(8);
    expect_response(port, 200, NULL, "GET /sum HTTP/1.1");
    expect_sum(fd, 200000);
    close(fd);
}

TEST(deadline_of_a_streamed_request_begins_anew_with_each_part)
{
    fill_big();
    serve(routes, (struct async_web_opts){ .streamed = streamed, .request_timeout = 20 },
          upload_with_pauses, NULL);
}

static void stop_uploading(int port, void *arg)
{
    (void)arg;
    fake_clock_stop();
    int fd = connect_to(port);
    send_text(fd, "POST /sum HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nabc");
    wait_until(&begun, 1);
    skip_seconds(10);
    skip_seconds(15);
    expect_true(reads_end(fd));
    wait_until(&ended, 1);
    close(fd);
}

TEST(client_that_stops_uploading_is_closed)
{
    serve(routes, (struct async_web_opts){ .streamed = streamed, .request_timeout = 20 },
          stop_uploading, NULL);
}

/* More than the socket's buffers hold cannot be sent while the handler does not read. */
static void upload_to_slow_handler(int port, void *arg)
{
    size_t sent = 0;
    (void)arg;
    int fd = open_socket(), small = 65536;
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    connect_socket(fd, port);
    send_text(fd, "POST /wait HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999\r\n\r\n");
    wait_until(&begun, 1);
    for (struct pollfd p = { fd, POLLOUT, 0 }; poll(&p, 1, 200) == 1;) {
        ssize_t n = send(fd, big, sizeof big, MSG_DONTWAIT | MSG_NOSIGNAL);
        sent += n > 0 ? (size_t)n : 0;
        expect_less(sent, 90000000);
    }
    expect_response(port, 200, NULL, "GET /sum HTTP/1.1");
    send_bytes(fd, big, 99999999 % sizeof big);
    close(fd);
    wait_until(&ended, 1);
}

TEST(client_waits_while_the_handler_does_not_read)
{
    serve(routes, (struct async_web_opts){ .streamed = streamed }, upload_to_slow_handler, NULL);
}

static void leave_early(int port, void *arg)
{
    (void)arg;
    for (int i = 0; i < 2; i++) {
        int fd = connect_to(port);
        send_text(fd, "POST /sum HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nabc");
        wait_until(&begun, i + 1);
        if (i == 0)
            close(fd);
        else
            reset_connection(fd);
        wait_until(&ended, i + 1);
    }
}

TEST(handler_ends_when_the_client_leaves_during_an_upload)
{
    char *text = serve_and_capture_stderr(routes, (struct async_web_opts){ .streamed = streamed },
                                          leave_early, NULL);
    expect_text(text, "");
    free(text);
}

/* What the handler leaves unread is read up to a limit, so that the client sees the response. */
static void upload_more_than_is_read(int port, void *arg)
{
    (void)arg;
    int fd = connect_to(port);
    send_text(fd, "POST /early HTTP/1.1\r\nHost: h\r\nContent-Length: 1500000\r\n\r\n");
    send_bytes(fd, big, 1500000);
    expect_status(fd, 403);
    send_text(fd, "POST /sum HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n");
    send_bytes(fd, big, 5);
    expect_sum(fd, 5);
    close(fd);
    fd = connect_to(port);
    send_text(fd, "POST /early HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999\r\n\r\n");
    for (int i = 0; i < 19; i++)
        send_bytes(fd, big, sizeof big);
    expect_true(reads_end(fd));
    close(fd);
}

TEST(response_before_the_end_of_the_body_is_sent_after_it)
{
    fill_big();
    serve(routes, (struct async_web_opts){ .streamed = streamed }, upload_more_than_is_read, NULL);
}

static void expect_continue(int port, void *arg)
{
    (void)arg;
    int fd = connect_to(port);
    send_text(fd, "POST /sum HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n"
                  "Expect: 100-continue\r\n\r\n");
    struct response r = read_response(fd);
    expect_int(r.status, 100);
    free(r.body);
    send_bytes(fd, big, 5);
    expect_sum(fd, 5);
    close(fd);
    expect_response(port, 405, NULL, "PUT /sum HTTP/1.1");
    r = request(port, "PUT /sum HTTP/1.1");
    expect_text(response_header(&r, "Allow"), "GET, HEAD, POST");
    free(r.body);
}

TEST(streamed_route_is_one_of_the_routes)
{
    fill_big();
    serve(routes, (struct async_web_opts){ .streamed = streamed }, expect_continue, NULL);
}

SUITE("web-uploads", streamed_body_of_any_size_is_read, streamed_body_in_chunks_is_read,
      handler_begins_before_the_streamed_body_arrives,
      deadline_of_a_streamed_request_begins_anew_with_each_part,
      client_that_stops_uploading_is_closed, client_waits_while_the_handler_does_not_read,
      handler_ends_when_the_client_leaves_during_an_upload,
      response_before_the_end_of_the_body_is_sent_after_it, streamed_route_is_one_of_the_routes)
