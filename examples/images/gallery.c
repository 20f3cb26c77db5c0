/* SPDX-License-Identifier: MIT */
#include "gallery.h"

#include <asyncio/web.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- the photographs ---- */

ASYNC_THREAD(paint, (int)n, (int)width, (int)height, (struct jpeg *)ret)
{
    return photo_make(n, width, height, ret);
}

int await_gallery_paint(struct gallery *g, int width, int height)
{
    async_co paints[PHOTOS];
    for (int i = 0; i < PHOTOS; i++)
        paints[i] = paint(i, width, height, &g->photos[i]);
    ASYNC_TRY(await_gather_n(paints, PHOTOS, NULL));
    struct jpeg *whole = &g->photos[0], *half = &g->photos[CORRUPT];
    half->size = whole->size / 2;
    half->bytes = malloc(half->size);
    if (!half->bytes)
        return -ENOMEM;
    memcpy(half->bytes, whole->bytes, half->size);
    return 0;
}

/* ---- the server ---- */

static const struct jpeg *asked_for(async_web_request *rq)
{
    struct gallery *g = async_web_arg(rq);
    int64_t n;
    return async_web_param_int(rq, "n", &n) == 0 && n >= 0 && n <= CORRUPT ? &g->photos[n] : NULL;
}

ASYNC_DEF(show, (async_web_request *)rq)
{
    char where[64];
    snprintf(where, sizeof where, "/files/%s", async_web_param(rq, "n"));
    return asked_for(rq) ? async_web_redirect(rq, 302, where)
                         : async_web_text(rq, 404, "No such photograph.\n");
}

ASYNC_DEF(send_file, (async_web_request *)rq)
{
    enum { PIECE = 64 * 1024 };
    const struct gallery *g = async_web_arg(rq);
    const struct jpeg *photo = asked_for(rq);
    if (!photo)
        return async_web_text(rq, 404, "No such photograph.\n");
    ASYNC_TRY(await_sleep(g->delay));
    ASYNC_TRY(await_web_stream_begin(rq, 200, "image/jpeg", .size = photo->size));
    for (size_t at = 0; at < photo->size; at += PIECE) {
        size_t left = photo->size - at;
        ASYNC_TRY(await_web_write(rq, photo->bytes + at, left < PIECE ? left : PIECE));
    }
    return 0;
}

static const async_web_route routes[] = {
    { "GET", "/photos/{n}", show },
    { "GET", "/files/{n}", send_file },
    { 0 },
};

ASYNC_DEF(serve_photos, (struct gallery *)g)
{
    await_web_server_auto server = NULL;
    ASYNC_TRY(async_web_server_start(routes, &server, .arg = g));
    g->port = async_web_server_port(server);
    g->loop = async_get_running_loop();
    sem_post(&g->opened);
    return await_event_wait(&g->closing);
}

static void *run(void *arg)
{
    struct gallery *g = arg;
    g->result = async_run(serve_photos(g));
    if (!g->loop) /* it could not be opened */
        sem_post(&g->opened);
    return NULL;
}

int gallery_open(struct gallery *g)
{
    g->loop = NULL;
    g->closing = (async_event){ 0 };
    sem_init(&g->opened, 0, 0);
    int err = pthread_create(&g->thread, NULL, run, g);
    while (!err && sem_wait(&g->opened) < 0)
        ;
    if (!err && g->loop)
        return 0;
    if (!err)
        pthread_join(g->thread, NULL);
    sem_destroy(&g->opened);
    return err ? -err : g->result;
}

static void stop(void *arg)
{
    struct gallery *g = arg;
    async_event_set(&g->closing);
}

void gallery_close(struct gallery *g)
{
    while (async_call_soon_threadsafe(g->loop, stop, g) == -ENOMEM)
        ;
    pthread_join(g->thread, NULL);
    sem_destroy(&g->opened);
}

void gallery_free(struct gallery *g)
{
    for (int i = 0; i <= CORRUPT; i++)
        free(g->photos[i].bytes);
}
