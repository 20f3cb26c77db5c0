/* SPDX-License-Identifier: MIT */
/* fetch_libcurl.c - libcurl's multi interface on epoll and nothing else: what a fetcher on libcurl
 * costs at least. Handles are reused, and sockets stay in epoll while their connections live.
 *
 * bench-fetch-libcurl PORT N LIMIT, prints "ok seconds". */
#include "common.h"
#include <curl/curl.h>

enum { FDS_MAX = 65536, EVENTS_MAX = 256, BODY_MAX = 4096 };

struct transfer {
    CURL *easy;
    size_t size;
    char body[BODY_MAX];
};

static CURLM *multi;
static int poller, port, total, next, done, good;
static bool registered[FDS_MAX];
static long timeout = -1; /* ms */

static size_t on_body(char *data, size_t one, size_t size, void *arg)
{
    struct transfer *t = arg;
    (void)one;
    if (size <= sizeof t->body - t->size)
        memcpy(t->body + t->size, data, size);
    t->size += size;
    return size;
}

/* Edge-triggered, so that what libcurl waits for need not be registered anew each time. */
static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
    struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.fd = fd };
    (void)easy, (void)arg, (void)socket_arg;
    if (what == CURL_POLL_REMOVE || registered[fd])
        return 0;
    registered[fd] = true;
    return epoll_ctl(poller, EPOLL_CTL_ADD, fd, &ev);
}

static int on_close(void *arg, curl_socket_t fd)
{
    (void)arg;
    registered[fd] = false;
    return close(fd);
}

static int on_timeout(CURLM *m, long ms, void *arg)
{
    (void)m, (void)arg;
    timeout = ms;
    return 0;
}

static void start_transfer(struct transfer *t)
{
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%d/item/%d", port, next++);
    t->size = 0;
    curl_easy_setopt(t->easy, CURLOPT_URL, url);
    curl_multi_add_handle(multi, t->easy);
}

static void open_transfer(struct transfer *t)
{
    t->easy = curl_easy_init();
    curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t);
    curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(t->easy, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(t->easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
    curl_easy_setopt(t->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(t->easy, CURLOPT_PROXY, "");
    start_transfer(t);
}

static void finish_transfers(void)
{
    int left;
    for (CURLMsg *m; (m = curl_multi_info_read(multi, &left));) {
        CURL *easy = m->easy_handle;
        struct transfer *t;
        long status;
        curl_easy_getinfo(easy, CURLINFO_PRIVATE, &t);
        curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
        good += m->data.result == CURLE_OK && status == 200 && t->size > 0;
        curl_multi_remove_handle(multi, easy);
        done++;
        if (next < total)
            start_transfer(t);
    }
}

static void run_timeout(void)
{
    int running;
    timeout = -1;
    curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running);
}

static void run_events(void)
{
    struct epoll_event evs[EVENTS_MAX];
    int running, n = epoll_wait(poller, evs, EVENTS_MAX, timeout < 0 ? 1000 : (int)timeout);
    if (n == 0)
        run_timeout();
    for (int i = 0; i < n; i++) {
        int what = evs[i].events & EPOLLIN ? CURL_CSELECT_IN : CURL_CSELECT_OUT;
        curl_multi_socket_action(multi, evs[i].data.fd, what, &running);
    }
}

int main(int argc, char **argv)
{
    if (argc < 4)
        return fputs("usage: bench-fetch-libcurl PORT N LIMIT\n", stderr), 2;
    port = atoi(argv[1]);
    total = atoi(argv[2]);
    int limit = atoi(argv[3]);
    int64_t t0 = now_ns();
    curl_global_init(CURL_GLOBAL_DEFAULT);
    poller = epoll_create1(0);
    multi = curl_multi_init();
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timeout);
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)limit);
    for (int i = 0; i < limit && i < total; i++)
        open_transfer(calloc(1, sizeof(struct transfer)));
    while (done < total) {
        if (timeout == 0)
            run_timeout();
        else
            run_events();
        finish_transfers();
    }
    printf("%d %.6f\n", good, 1e-9 * (double)(now_ns() - t0));
    return good != total;
}
