/* SPDX-License-Identifier: MIT */
/* op.c - a task waits for a call, whoever makes it. */
#include <stdio.h>

#include "file/file.h"
#include "task/scope.h"

enum { SHOWN = 72 }; /* of a path: its end says more than its beginning */

static void work(struct job *j)
{
    async__file_call((struct file_op *)((char *)j - offsetof(struct file_op, job)));
}

int64_t async__file_do(async_task *t, struct file_op *op, const char *what)
{
    op->job = (struct job){ .work = work, .name = what };
    op->fate = async__sys.file_fate((int)op->call);
    int r = async__job_await(t, ASYNC_POOL_FILES, &op->job);
    return r < 0 ? r : op->result;
}

int async__file_failed(int64_t r, const char *verb, const char *path)
{
    size_t length = strlen(path);
    bool cut = length > SHOWN;
    const char *why = strerrordesc_np((int)-r);
    if (r == -ECANCELED)
        return -ECANCELED;
    return async_fail_at((int)r, NULL, "cannot %s %s%s: %s", verb, cut ? "..." : "",
                         cut ? path + length - SHOWN : path, why ? why : "unknown error");
}

int64_t async__file_try(struct file_op *op, const char *what, const char *verb, const char *path)
{
    async_task *t;
    int64_t r = await_begin(&t, what);
    if (r == 0)
        r = async__file_do(t, op, what);
    return r < 0 ? async__file_failed(r, verb, path) : r;
}
