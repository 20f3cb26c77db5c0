/* SPDX-License-Identifier: MIT */
/* Download 12 photographs, then find the edges in each, in four ways: one after the other, on
 * threads, and twice in tasks and processes.
 *
 *     images                            4000 x 3000 pixels, each sent after half a second
 *     images --size 400x300 --delay 0.05
 *     images --keep DIR                 leave photographs and edges there
 *
 * The program generates the photographs, and its server runs on a thread of its own. */
#include <asyncio.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "gallery.h"
#include "versions.h"

struct options {
    int width, height;
    double delay;
    const char *keep;
};

static bool parse(int argc, char **argv, struct options *o)
{
    for (int i = 1; i < argc; i += 2) {
        const char *value = argv[i + 1];
        if (!value)
            return false;
        if (!strcmp(argv[i], "--keep"))
            o->keep = value;
        else if (!strcmp(argv[i], "--delay"))
            o->delay = atof(value);
        else if (strcmp(argv[i], "--size") || sscanf(value, "%dx%d", &o->width, &o->height) != 2)
            return false;
    }
    return o->width >= 16 && o->height >= 16 && o->width <= 20000 && o->height <= 20000 &&
           o->delay >= 0;
}

/* ---- folders and files ---- */

static int name_files(struct album *a, const char *folder, int port)
{
    if (strlen(folder) + sizeof "/photo00.jpg" > NAME_SIZE)
        return async_fail(-ENAMETOOLONG, "%s", folder);
    for (int i = 0; i <= PHOTOS; i++) {
        snprintf(a->url[i], NAME_SIZE, "http://127.0.0.1:%d/photos/%d", port, i);
        snprintf(a->photo[i], NAME_SIZE, "%s/photo%02d.jpg", folder, i);
        snprintf(a->edges[i], NAME_SIZE, "%s/edges%02d.jpg", folder, i);
    }
    return 0;
}

static void remove_files(const struct album *a)
{
    for (int i = 0; i <= PHOTOS; i++) {
        unlink(a->photo[i]);
        unlink(a->edges[i]);
    }
}

/* Return a checksum (FNV-1a) of all edges of this version. It must be the same for all versions. */
static uint64_t digest(const struct album *a)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (int i = 0; i < PHOTOS; i++) {
        FILE *f = fopen(a->edges[i], "rb");
        if (!f)
            return 0;
        /* asyncio: allow blocking: no other task runs when the versions are compared */
        for (int c; (c = getc(f)) != EOF;)
            h = (h ^ (uint64_t)c) * UINT64_C(0x100000001b3);
        fclose(f);
    }
    return h;
}

static void show_progress(int done)
{
    fprintf(stderr, "\r%2d of %d%s", done, PHOTOS, done == PHOTOS ? "\r\033[K" : "");
}

/* ---- one version ---- */

static int await_timed(struct album *a, async_co step, double *ret)
{
    double start = async_time();
    a->done = 0;
    ASYNC_TRY(await_co(step));
    *ret = async_time() - start;
    return 0;
}

static int await_version(struct album *a, const struct version *v, uint64_t *ret, double *first)
{
    double fetch = 0, find = 0;
    remove_files(a); /* so that each version makes files of its own */
    ASYNC_TRY(await_timed(a, v->fetch(a), &fetch));
    ASYNC_TRY(await_timed(a, v->find(a), &find));
    *ret = digest(a);
    if (*first == 0)
        *first = fetch + find;
    printf("%-4s %5.2f s  %-21s %5.2f s  %-23s %5.2f s  %4.1f x\n", v->name, fetch, v->fetching,
           find, v->finding, fetch + find, *first / (fetch + find));
    fflush(stdout);
    return 0;
}

static int await_versions(struct album *a)
{
    uint64_t digests[4];
    double first = 0;
    printf("     downloads                      edges                            together\n");
    for (int i = 0; i < 4; i++)
        ASYNC_TRY(await_version(a, &versions[i], &digests[i], &first));
    for (int i = 1; i < 4; i++)
        if (digests[i] != digests[0] || digests[i] == 0)
            return async_fail(-EPROTO, "the edges of %s are not those of v1", versions[i].name);
    printf("\nAll four have found the same edges. On threads the edges gain what the processors "
           "allow: in C threads\n"
           "compute side by side, where Python's take turns. Processes cost more, and contain "
           "what goes wrong:\n\n");
    return 0;
}

/* ---- the corrupt one ---- */

static int await_corrupt(struct album *a, const struct gallery *g)
{
    const struct jpeg *half = &g->photos[CORRUPT];
    ASYNC_TRY(await_write_file(a->photo[CORRUPT], half->bytes, half->size));
    int r = await_corrupt_on_thread(a);
    if (r != -EBADMSG)
        return async_fail(-EPROTO, "a thread took half a photograph for a whole one: %d", r);
    printf("half a photograph, on a thread:   %s\n", strrchr(async_fail_text(r), ':') + 2);
    r = await_corrupt_in_process(a);
    if (r != -EOWNERDEAD)
        return async_fail(-EPROTO, "a worker survived its crash: %d", r);
    printf("the same, a decoder that crashes: %s\n", async_fail_text(r));
    return 0;
}

static int await_show(struct album *a, const struct gallery *g, const char *folder,
                      const struct options *o)
{
    ASYNC_TRY(name_files(a, folder, g->port));
    printf("%d photographs of %d x %d pixels, %.2f s each to arrive\n\n", PHOTOS, o->width,
           o->height, o->delay);
    ASYNC_TRY(await_versions(a));
    return await_corrupt(a, g);
}

ASYNC_DEF(amain, (const struct options *)o)
{
    struct gallery g = { .delay = o->delay };
    struct album a = { .progress = isatty(STDERR_FILENO) ? show_progress : NULL };
    const char *temporary = getenv("TMPDIR");
    char made[NAME_SIZE];
    snprintf(made, sizeof made, "%.100s/images-XXXXXX", temporary ? temporary : "/tmp");
    const char *folder = o->keep ? o->keep : mkdtemp(made);
    if (!folder)
        return async_fail(-errno, "cannot make %s: %s", made, strerror(errno));
    int r = await_gallery_paint(&g, o->width, o->height);
    if (r >= 0)
        r = gallery_open(&g);
    if (r >= 0) {
        r = await_show(&a, &g, folder, o);
        gallery_close(&g);
    }
    gallery_free(&g);
    if (!o->keep) {
        remove_files(&a);
        rmdir(folder);
    }
    return r;
}

int main(int argc, char **argv)
{
    struct options o = { .width = 4000, .height = 3000, .delay = 0.5 };
    if (!parse(argc, argv, &o)) {
        fprintf(stderr, "usage: %s [--size WxH] [--delay SECONDS] [--keep DIR]\n", argv[0]);
        return 2;
    }
    return async_main(amain(&o));
}
