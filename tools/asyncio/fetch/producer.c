/* SPDX-License-Identifier: MIT */
/* producer.c - read the arguments and the input, and make a job for each request. */
#include "producer.h"

#include "job.h"
#include "job_result.h"
#include "resume.h"
#include "schedule.h"
#include "stop.h"

#include <asyncio/task.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { INPUT_CHUNK = 64 * 1024 };

/* Wait until the request with this index is needed, and there is room for it: in the look-ahead,
 * among the lines that wait for their turn, and in the output. This happens before the request is
 * read, so that a cancellation loses no request that was read. */
static int await_room_for_job(struct run *f, uint64_t index)
{
    ASYNC_TRY(await_output_room(&f->out));
    while (f->o.keep_order && !order_has_room(&f->order, index)) {
        async_event_clear(&f->order_moved);
        ASYNC_TRY(await_event_wait(&f->order_moved));
    }
    ASYNC_TRY(await_demand(f));
    return f->stop == STOP_NONE ? 0 : -ECANCELED;
}

/* Refuse a request whose file would be that of an earlier one. Names that the input does not give
 * begin with the index, so they differ. */
static int check_file_name(struct run *f, struct request *rq)
{
    char name[FILE_NAME_MAX + 1];
    uint64_t other;
    if (!f->o.output_dir || !rq->output || rq->error[0])
        return 0;
    request_file_name(rq, name);
    int r = names_add(&f->names, name, rq->index, &other);
    if (r == -EEXIST)
        snprintf(rq->error, sizeof rq->error,
                 "the file name %.120s is already that of request %llu", name,
                 (unsigned long long)other);
    return r == -ENOMEM ? r : 0;
}

/* Put a request into the queue of its origin, unless it has its result already. */
static int start_job(struct run *f, struct request *request)
{
    int r = check_file_name(f, request);
    if (resume_has_result(f, request)) {
        skip_result(f, request->index);
        return r;
    }
    struct job *j = job_new(f, request);
    if (!j)
        return -ENOMEM;
    if (r < 0)
        job_skip(j, FAILURE_LOCAL);
    else if (j->request.error[0] || f->o.dry_run)
        job_skip(j, FAILURE_NONE);
    else if (!resume_complete_file(j)) {
        resume_part(j);
        if (schedule_job(j) < 0)
            job_skip(j, FAILURE_LOCAL);
    }
    return 0;
}

static int await_arguments(struct run *f)
{
    for (size_t i = 0; i < f->o.url_count; i++) {
        struct request request = { .index = i };
        ASYNC_TRY(await_room_for_job(f, i));
        int r = request_parse(&request, f->o.urls[i], strlen(f->o.urls[i]));
        if (r == 0)
            r = start_job(f, &request);
        request_free(&request);
        ASYNC_TRY(r);
    }
    return 0;
}

static int await_chunk(struct run *f, char *chunk)
{
    ASYNC_TRY(await_fd_ready(f->input_fd, POLLIN));
    ssize_t n = read(f->input_fd, chunk, INPUT_CHUNK);
    if (n > 0)
        return input_feed(&f->input, chunk, (size_t)n);
    if (n == 0)
        input_end(&f->input);
    return n < 0 && errno != EINTR && errno != EAGAIN ? -errno : 0;
}

/* Read requests from the input until its end, a chunk at a time. */
static int await_input(struct run *f, char *chunk)
{
    for (;;) {
        struct request request;
        ASYNC_TRY(await_room_for_job(f, f->input.index));
        int r = ASYNC_TRY(input_next(&f->input, &request));
        if (r == 0 && f->input.eof)
            return 0;
        if (r == 0) {
            ASYNC_TRY(await_chunk(f, chunk));
            continue;
        }
        r = start_job(f, &request);
        request_free(&request);
        ASYNC_TRY(r);
    }
}

static int await_all_results(struct run *f)
{
    while (f->jobs) {
        async_event_clear(&f->no_jobs);
        ASYNC_TRY(await_event_wait(&f->no_jobs));
    }
    return 0;
}

/* Errors stop the run, but do not fail the group, because that would cancel the attempts in
 * progress. The task lives as long as there are jobs, because the group would end while all of them
 * wait for their next attempts. */
ASYNC_DEF(produce_jobs, (struct run *)f)
{
    char *chunk = malloc(INPUT_CHUNK);
    int r = await_arguments(f);
    if (r == 0 && f->o.input)
        r = chunk ? await_input(f, chunk) : -ENOMEM;
    free(chunk);
    if (r == 0)
        r = await_all_results(f);
    if (r < 0 && r != -ECANCELED)
        run_fail(f, r, "cannot read the input");
    return 0;
}

async_co producer_task(struct run *f)
{
    return produce_jobs(f);
}
