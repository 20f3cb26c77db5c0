/* SPDX-License-Identifier: MIT */
/* producer.c - reads the arguments and the input, no faster than jobs end. */
#include "fetch.h"

#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

enum { CHUNK = 64 * 1024 };

/* Room for the request of this index: a place, a slot among the results that wait for their order, and
 * lines that are written. Before the request is read, so that nothing that was read can get lost here. */
static int await_place(struct run *f, uint64_t index)
{
    ASYNC_TRY(await_writer_room(&f->out));
    while (f->o.keep_order && !order_room(&f->order, index)) {
        async_event_clear(&f->ordered);
        ASYNC_TRY(await_event_wait(&f->ordered));
    }
    if (!f->holding)
        ASYNC_TRY(await_semaphore_acquire(&f->places));
    f->holding = true;
    return f->stop == STOP_NONE ? 0 : -ECANCELED;
}

/* A request without a job needs no place: the next one has it. */
static int start(struct run *f, struct request_spec *spec)
{
    struct job *j = job_new(f, spec);
    if (!j)
        return -ENOMEM;
    if (j->spec.error[0] || f->o.dry_run) {
        job_skip(j, FAILURE_NONE);
        return 0;
    }
    f->holding = false;
    async_spawn(f->group, job(j));
    return 0;
}

static int await_arguments(struct run *f)
{
    for (size_t i = 0; i < f->o.url_count; i++) {
        struct request_spec spec = { .index = i };
        ASYNC_TRY(await_place(f, i));
        int r = request_spec_parse(&spec, f->o.urls[i], strlen(f->o.urls[i]));
        if (r == 0)
            r = start(f, &spec);
        request_spec_free(&spec);
        ASYNC_TRY(r);
    }
    return 0;
}

static int await_chunk(struct run *f, char *chunk)
{
    ASYNC_TRY(await_fd_ready(f->input_fd, POLLIN));
    ssize_t n = read(f->input_fd, chunk, CHUNK);
    if (n > 0)
        return input_feed(&f->input, chunk, (size_t)n);
    if (n == 0)
        input_end(&f->input);
    return n < 0 && errno != EINTR && errno != EAGAIN ? -errno : 0;
}

static int await_input(struct run *f, char *chunk)
{
    for (;;) {
        struct request_spec spec;
        ASYNC_TRY(await_place(f, f->input.index));
        int r = ASYNC_TRY(input_next(&f->input, &spec));
        if (r == 0 && f->input.eof)
            return 0;
        if (r == 0) {
            ASYNC_TRY(await_chunk(f, chunk));
            continue;
        }
        r = start(f, &spec);
        request_spec_free(&spec);
        ASYNC_TRY(r);
    }
}

/* Its errors are the run's, not the group's: jobs that are under way shall end in order. */
ASYNC_DEF(feeder, (struct run *)f)
{
    char *chunk = malloc(CHUNK);
    int r = await_arguments(f);
    if (r == 0 && f->o.input)
        r = chunk ? await_input(f, chunk) : -ENOMEM;
    free(chunk);
    if (f->holding)
        async_semaphore_release(&f->places);
    f->holding = false;
    if (r < 0 && r != -ECANCELED)
        run_fail(f, r, "the input");
    return 0;
}

async_co feed(struct run *f)
{
    return feeder(f);
}
