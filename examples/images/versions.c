/* SPDX-License-Identifier: MIT */
#include "versions.h"

#include <asyncio/http.h>
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>

#include "edges.h"

static void step_done(struct album *a)
{
    if (a->progress)
        a->progress(++a->done);
}

/* ---- version 1: calls that block, one after the other ---- */

static int perform(const char *url, FILE *f)
{
    CURL *curl = curl_easy_init();
    if (!curl)
        return -ENOMEM;
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, f); /* libcurl then writes by fwrite() */
    CURLcode code = curl_easy_perform(curl);
    curl_easy_cleanup(curl);
    return code == CURLE_OK ? 0 : async_fail(-EIO, "%s: %s", url, curl_easy_strerror(code));
}

static int download_blocking(const char *url, const char *file)
{
    FILE *f = fopen(file, "wb");
    if (!f)
        return async_fail(-errno, "cannot write %s: %s", file, strerror(errno));
    int r = perform(url, f);
    if (fclose(f) != 0 && r == 0)
        r = async_fail(-errno, "cannot write %s: %s", file, strerror(errno));
    return r;
}

ASYNC_DEF(fetch_in_turn, (struct album *)a)
{
    for (int i = 0; i < PHOTOS; i++) {
        ASYNC_TRY(download_blocking(a->url[i], a->photo[i]));
        step_done(a);
    }
    return 0;
}

ASYNC_DEF(find_in_turn, (struct album *)a)
{
    for (int i = 0; i < PHOTOS; i++) {
        ASYNC_TRY(edges_of_file(a->photo[i], a->edges[i]));
        step_done(a);
    }
    return 0;
}

/* ---- version 2: the same calls on threads ---- */

ASYNC_THREAD(download_on_thread, (const char *)url, (const char *)file)
{
    return download_blocking(url, file);
}

ASYNC_THREAD(edges_on_thread, (const char *)photo, (const char *)edges)
{
    return edges_of_file(photo, edges);
}

ASYNC_DEF(thread_fetches, (struct album *)a, (int)i)
{
    ASYNC_TRY(await_download_on_thread(a->url[i], a->photo[i]));
    step_done(a);
    return 0;
}

ASYNC_DEF(thread_finds, (struct album *)a, (int)i)
{
    ASYNC_TRY(await_edges_on_thread(a->photo[i], a->edges[i]));
    step_done(a);
    return 0;
}

/* Process all photographs at once, each in a task. */
static int await_all(struct album *a, async_co (*one)(struct album *a, int i))
{
    int r;
    await_group (r, g) {
        for (int i = 0; i < PHOTOS; i++)
            async_spawn(g, one(a, i));
    }
    return r;
}

ASYNC_DEF(fetch_on_threads, (struct album *)a)
{
    return await_all(a, thread_fetches);
}

ASYNC_DEF(find_on_threads, (struct album *)a)
{
    return await_all(a, thread_finds);
}

/* ---- version 3: downloads in tasks, edges in processes ---- */

struct session_of {
    struct album *album;
    async_http_session *session;
    async_semaphore *limit;
};

/* Copy a photograph from the network to a file in pieces, so that it need not fit into memory. */
ASYNC_DEF(download, (async_http_session *)session, (const char *)url, (const char *)file)
{
    async_http_response_auto answer = NULL;
    async_stream_auto out = NULL;
    char piece[16 * 1024];
    ASYNC_TRY(await_http_open(session, "GET", url, &answer, .raise_for_status = true));
    ASYNC_TRY(await_open_file(file, "w", &out));
    for (;;) {
        ssize_t n = ASYNC_TRY(await_http_read(answer, piece, sizeof piece));
        if (n == 0)
            break;
        ASYNC_TRY(await_stream_write(out, piece, (size_t)n));
    }
    return await_stream_close(out); /* reports errors of writing that come late */
}

ASYNC_DEF(task_fetches, (const struct session_of *)s, (int)i)
{
    int r = 0;
    await_with (r, s->limit)
        r = await_download(s->session, s->album->url[i], s->album->photo[i]);
    ASYNC_TRY(r);
    step_done(s->album);
    return 0;
}

static int await_fetch_in_tasks(struct album *a, int at_a_time)
{
    int r;
    async_http_session_auto session = NULL;
    async_semaphore limit = ASYNC_SEMAPHORE(at_a_time);
    ASYNC_TRY(async_http_session_open(&session, .proxy = ""));
    struct session_of s = { a, session, &limit };
    await_group (r, g) {
        for (int i = 0; i < PHOTOS; i++)
            async_spawn(g, task_fetches(&s, i));
    }
    return r;
}

ASYNC_DEF(fetch_at_once, (struct album *)a)
{
    return await_fetch_in_tasks(a, PHOTOS);
}

/* Arguments and results of a worker process consist of bytes, without pointers. */
struct work {
    char photo[NAME_SIZE], edges[NAME_SIZE];
};

struct answer {
    int nothing;
};

ASYNC_PROCESS(edges_in_process, (const struct work *)work, (struct answer *)answer)
{
    answer->nothing = 0;
    return edges_of_file(work->photo, work->edges);
}

static struct work work_of(const struct album *a, int i)
{
    struct work w = { 0 }; /* all bytes are sent to the worker */
    snprintf(w.photo, sizeof w.photo, "%s", a->photo[i]);
    snprintf(w.edges, sizeof w.edges, "%s", a->edges[i]);
    return w;
}

ASYNC_DEF(process_finds, (async_process_pool *)pool, (struct album *)a, (int)i)
{
    struct work work = work_of(a, i);
    struct answer answer;
    ASYNC_TRY(await_process_pool_run(pool, edges_in_process, &work, &answer));
    step_done(a);
    return 0;
}

static int await_find_by_workers(struct album *a, unsigned workers)
{
    int r;
    async_process_pool_auto pool = async_process_pool_open(.max_workers = workers);
    if (!pool)
        return -errno;
    await_group (r, g) {
        for (int i = 0; i < PHOTOS; i++)
            async_spawn(g, process_finds(pool, a, i));
    }
    return r;
}

ASYNC_DEF(find_in_processes, (struct album *)a)
{
    return await_find_by_workers(a, PHOTOS);
}

/* ---- version 4: the same, with limits for server and processors ---- */

ASYNC_DEF(fetch_a_few, (struct album *)a)
{
    return await_fetch_in_tasks(a, 4);
}

ASYNC_DEF(find_one_a_core, (struct album *)a)
{
    return await_find_by_workers(a, 0);
}

const struct version versions[4] = {
    { "v1", "one after the other", "one after the other", fetch_in_turn, find_in_turn },
    { "v2", "on threads", "on threads", fetch_on_threads, find_on_threads },
    { "v3", "a task each", "a process each", fetch_at_once, find_in_processes },
    { "v4", "4 tasks at a time", "a process for each core", fetch_a_few, find_one_a_core },
};

/* ---- the corrupt one ---- */

/* A decoder that crashes on bad data. */
ASYNC_PROCESS(fragile_edges, (const struct work *)work, (struct answer *)answer)
{
    answer->nothing = 0;
    if (edges_of_file(work->photo, work->edges) < 0)
        abort();
    return 0;
}

int await_corrupt_on_thread(struct album *a)
{
    return await_edges_on_thread(a->photo[CORRUPT], a->edges[CORRUPT]);
}

int await_corrupt_in_process(struct album *a)
{
    struct work work = work_of(a, CORRUPT);
    struct answer answer;
    return await_fragile_edges(&work, &answer);
}
