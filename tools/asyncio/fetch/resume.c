/* SPDX-License-Identifier: MIT */
/* resume.c - take results and files over from earlier runs, and record those of this one. */
#include "resume.h"

#include "job.h"
#include "job_result.h"
#include "stop.h"

#include <asyncio/pool.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int resume_open(struct run *f)
{
    f->journal.fd = -1;
    if (!f->o.journal || f->o.dry_run)
        return 0;
    int r = journal_open(&f->journal, f->o.journal, f->o.resume || f->o.resume_failed);
    if (r == 0)
        r = journal_start(&f->journal, STDOUT_FILENO);
    if (r < 0)
        fprintf(stderr, "asyncio fetch: %s: %s\n", f->o.journal,
                r == -EEXIST  ? "the journal of an earlier run; continue it with --resume, or "
                                "remove it"
                : r == -EBUSY ? "another run uses this journal"
                              : strerror(-r));
    return r;
}

bool resume_has_result(struct run *f, const struct request *rq)
{
    if (f->journal.fd < 0)
        return false;
    uint64_t key = rq->error[0] ? 0 : journal_key(request_method(f, rq), rq->url);
    enum journal_state state = journal_state(&f->journal, rq->index, key);
    return state == JOURNAL_OK || (state == JOURNAL_FAILED && !f->o.resume_failed);
}

/* ---- files that are complete ---- */

static bool is_recorded_file(const struct journal_part *p, const struct stat *st)
{
    return S_ISREG(st->st_mode) && (uint64_t)st->st_ino == p->inode &&
           (uint64_t)st->st_size == p->bytes;
}

/* Was the file completed after it was recorded, or does that remain to be done? */
static bool complete_recorded_file(struct run *f, const struct journal_part *p)
{
    struct stat st;
    struct body_file file;
    if (fstatat(f->dir, p->name, &st, AT_SYMLINK_NOFOLLOW) == 0 && is_recorded_file(p, &st))
        return true;
    if (body_file_continue(&file, f->dir, p->name, f->o.overwrite) < 0)
        return false;
    if (fstat(file.fd, &st) == 0 && is_recorded_file(p, &st))
        return body_file_commit(&file, f->o.fsync) == 0;
    body_file_keep(&file);
    return false;
}

static void put_recorded_result(struct job *j, const struct journal_part *p)
{
    struct result r;
    result_init(&r, &j->request);
    r.final_url = p->url;
    r.status = p->status;
    r.bytes = p->bytes;
    r.wire_bytes = p->wire_bytes;
    r.file = p->name;
    r.sha256 = p->sha256;
    put_result(j, &r);
}

static bool skip_existing_file(struct job *j)
{
    struct stat st;
    struct result r;
    char name[FILE_NAME_MAX + 1];
    request_file_name(&j->request, name);
    if (fstatat(j->run->dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
        return false;
    result_init(&r, &j->request);
    r.file = name;
    r.bytes = (uint64_t)st.st_size;
    r.skipped = true;
    put_result(j, &r);
    return true;
}

bool resume_complete_file(struct job *j)
{
    struct run *f = j->run;
    if (f->dir < 0)
        return false;
    const struct journal_part *p = journal_part(&f->journal, j->request.index, j->key);
    bool complete = p && !p->validator && complete_recorded_file(f, p);
    if (complete)
        put_recorded_result(j, p);
    else if (f->o.skip_existing)
        complete = skip_existing_file(j);
    if (complete)
        job_free(j);
    return complete;
}

/* ---- files that are not ---- */

void resume_part(struct job *j)
{
    struct run *f = j->run;
    char name[FILE_NAME_MAX + 1];
    if (f->dir < 0)
        return;
    const struct journal_part *p = journal_part(&f->journal, j->request.index, j->key);
    request_file_name(&j->request, name);
    if (p && p->validator && p->name && strcmp(p->name, name) == 0)
        j->validator = strdup(p->validator);
}

void discard_part(struct job *j)
{
    char name[FILE_NAME_MAX + 1];
    struct body_file file;
    if (!j->validator || j->run->journal.fd >= 0)
        return;
    request_file_name(&j->request, name);
    if (body_file_continue(&file, j->run->dir, name, j->run->o.overwrite) == 0)
        body_file_abort(&file);
}

static void write_part(struct run *f, const struct journal_part *p)
{
    int r = f->journal.fd < 0 ? 0 : journal_write_part(&f->journal, p);
    if (r < 0)
        run_fail(f, r, "cannot write the journal");
}

void record_part(struct job *j, struct attempt *a)
{
    struct journal_part p = {
        .index = j->request.index,
        .key = j->key,
        .name = a->file.name,
        .validator = j->validator,
    };
    write_part(j->run, &p);
}

void record_file(struct job *j, struct attempt *a)
{
    struct stat st = { 0 };
    if (j->run->journal.fd < 0 || fstat(a->file.fd, &st) < 0)
        return;
    struct journal_part p = {
        .index = j->request.index,
        .key = j->key,
        .name = a->file.name,
        .url = (char *)a->response->url,
        .sha256 = a->sha256[0] ? a->sha256 : NULL,
        .inode = st.st_ino,
        .bytes = a->file.written,
        .wire_bytes = a->response->wire_size,
        .status = a->response->status,
    };
    write_part(j->run, &p);
}

/* ---- result lines ---- */

void on_lines_written(void *arg, struct text *records)
{
    struct run *f = arg;
    int r = journal_write_done(&f->journal, records, f->out.fd);
    if (r < 0)
        run_fail(f, r, "cannot write the journal");
}

/* Result lines reach the disk before their records. fdatasync() of a pipe fails, which does not
 * matter. */
static int sync_files(void *arg)
{
    struct run *f = arg;
    async_ignore(fdatasync(f->out.fd));
    return fdatasync(f->journal.fd) < 0 ? -errno : 0;
}

async_co sync_journal(void *run)
{
    return async_call(sync_files, run, "sync journal");
}
