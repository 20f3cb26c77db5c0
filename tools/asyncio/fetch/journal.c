/* SPDX-License-Identifier: MIT */
/* journal.c - open a journal, look requests up in it, and append to it. */
#include "journal.h"

#include "journal_read.h"
#include "json_writer.h"
#include "names.h"
#include "url.h"

#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STATE_BITS = 2, STATE_MASK = 3 };

uint64_t journal_key(const char *method, const char *url)
{
    struct text shown = { 0 };
    if (!url)
        return 0;
    url_redact(&shown, url, strlen(url));
    uint64_t h = hash_bytes(0, method ? method : "", method ? strlen(method) : 0);
    h = hash_bytes(hash_bytes(h, "\n", 1), shown.data ? shown.data : "", shown.len);
    text_free(&shown);
    h &= ~(uint64_t)STATE_MASK & (uint64_t)INT64_MAX; /* JSON readers know signed numbers only */
    return h ? h : 1 << STATE_BITS;
}

/* ---- what is recorded ---- */

static int grow_results(struct journal *j, uint64_t index)
{
    if (index < j->count)
        return 0;
    size_t count = j->count ? j->count : 1024;
    while (count <= index)
        count *= 2;
    uint64_t *grown = reallocarray(j->results, count, sizeof *grown);
    if (!grown)
        return -ENOMEM;
    memset(grown + j->count, 0, (count - j->count) * sizeof *grown);
    j->results = grown;
    j->count = count;
    return 0;
}

static int compare_parts(const void *a, const void *b)
{
    const struct journal_part *x = a, *y = b;
    return (x->index > y->index) - (x->index < y->index);
}

static void free_part(void *part)
{
    struct journal_part *p = part;
    free(p->name);
    free(p->validator);
    free(p->url);
    free(p->sha256);
    free(p);
}

static void forget_part(struct journal *j, uint64_t index)
{
    struct journal_part key = { .index = index }, **found = tfind(&key, &j->parts, compare_parts);
    if (!found)
        return;
    struct journal_part *p = *found;
    tdelete(p, &j->parts, compare_parts);
    free_part(p);
}

int journal_add_done(struct journal *j, uint64_t index, uint64_t key, bool ok)
{
    if (index > JOURNAL_INDEX_MAX)
        return 0;
    if (grow_results(j, index) < 0)
        return -ENOMEM;
    j->results[index] = key | (ok ? JOURNAL_OK : JOURNAL_FAILED);
    if (ok) /* --resume-failed continues the file of a request that has failed */
        forget_part(j, index);
    return 0;
}

int journal_add_part(struct journal *j, struct journal_part *part)
{
    forget_part(j, part->index);
    if (tsearch(part, &j->parts, compare_parts))
        return 0;
    free_part(part);
    return -ENOMEM;
}

enum journal_state journal_state(const struct journal *j, uint64_t index, uint64_t key)
{
    uint64_t known = index < j->count ? j->results[index] : 0;
    uint64_t known_key = known & ~(uint64_t)STATE_MASK;
    bool same = !key || !known_key || known_key == key;
    return same ? (enum journal_state)(known & STATE_MASK) : JOURNAL_NEW;
}

const struct journal_part *journal_part(const struct journal *j, uint64_t index, uint64_t key)
{
    struct journal_part wanted = { .index = index };
    struct journal_part **found = tfind(&wanted, &j->parts, compare_parts);
    return found && (*found)->key == key ? *found : NULL;
}

/* ---- writing ---- */

static int write_records(struct journal *j, struct text *t)
{
    int r = t->error;
    for (size_t done = 0; r == 0 && done < t->len;) {
        ssize_t n = write(j->fd, t->data + done, t->len - done);
        if (n < 0 && errno != EINTR)
            r = -errno;
        done += n > 0 ? (size_t)n : 0;
    }
    text_reset(t, 1 << 20);
    return r;
}

static void put_member(struct json_writer *w, const char *name, uint64_t v)
{
    json_put_key(w, name);
    json_put_uint(w, v);
}

static void put_text_member(struct json_writer *w, const char *name, const char *s)
{
    json_put_key(w, name);
    json_put_string(w, s);
}

/* Put where fd is now, or null if it is not a file. */
static void put_offset(struct json_writer *w, const char *name, int fd)
{
    struct stat st;
    off_t at = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? lseek(fd, 0, SEEK_CUR) : -1;
    json_put_key(w, name);
    if (at >= 0)
        json_put_uint(w, (uint64_t)at);
    else
        json_put_null(w);
}

int journal_start(struct journal *j, int fd)
{
    char link[40], path[4096];
    struct stat st = { 0 };
    struct text t = { 0 };
    struct json_writer w = { .text = &t };
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path);
    bool is_file = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    if (is_file) /* output that is appended begins at the end */
        lseek(fd, 0, fcntl(fd, F_GETFL) & O_APPEND ? SEEK_END : SEEK_CUR);
    json_put_open(&w, '{');
    json_put_key(&w, "run");
    json_put_open(&w, '{');
    json_put_key(&w, "output");
    if (is_file && n > 0)
        json_put_string_n(&w, path, (size_t)n);
    else
        json_put_null(&w);
    put_member(&w, "dev", st.st_dev);
    put_member(&w, "ino", st.st_ino);
    put_offset(&w, "at", fd);
    json_put_close(&w, '}');
    json_put_close(&w, '}');
    text_put(&t, "\n", 1);
    int r = write_records(j, &t);
    text_free(&t);
    return r;
}

void journal_put_done(struct text *t, uint64_t index, const char *method, const char *url,
                      enum failure_kind kind, int status)
{
    struct json_writer w = { .text = t };
    struct text shown = { 0 };
    if (url)
        url_redact(&shown, url, strlen(url));
    json_put_open(&w, '{');
    put_member(&w, "done", index);
    put_text_member(&w, "method", method);
    put_text_member(&w, "url", url ? (shown.data ? shown.data : "") : NULL);
    json_put_key(&w, "ok");
    json_put_bool(&w, kind == FAILURE_NONE);
    put_text_member(&w, "kind", kind == FAILURE_NONE ? NULL : failure_name(kind));
    put_member(&w, "status", status > 0 ? (uint64_t)status : 0);
    json_put_close(&w, '}');
    text_put(t, "\n", 1);
    text_free(&shown);
}

/* The records and their end are written at once, so that they are read together or not at all. */
int journal_write_done(struct journal *j, struct text *records, int fd)
{
    struct json_writer w = { .text = records };
    if (!records->len)
        return records->error;
    json_put_open(&w, '{');
    put_offset(&w, "end", fd);
    json_put_close(&w, '}');
    text_put(records, "\n", 1);
    return write_records(j, records);
}

int journal_write_part(struct journal *j, const struct journal_part *p)
{
    struct text t = { 0 };
    struct json_writer w = { .text = &t };
    json_put_open(&w, '{');
    put_member(&w, p->validator ? "part" : "file", p->index);
    put_member(&w, "key", p->key);
    put_text_member(&w, "name", p->name);
    if (p->validator) {
        put_text_member(&w, "validator", p->validator);
    } else {
        put_text_member(&w, "url", p->url);
        put_member(&w, "ino", p->inode);
        put_member(&w, "bytes", p->bytes);
        put_member(&w, "wire_bytes", p->wire_bytes);
        put_member(&w, "status", (uint64_t)p->status);
        put_text_member(&w, "sha256", p->sha256);
    }
    json_put_close(&w, '}');
    text_put(&t, "\n", 1);
    int r = write_records(j, &t);
    text_free(&t);
    return r;
}

/* ---- opening ---- */

static int lock_journal(int fd, bool resume)
{
    struct stat st;
    if (flock(fd, LOCK_EX | LOCK_NB) < 0)
        return errno == EWOULDBLOCK ? -EBUSY : -errno;
    if (fstat(fd, &st) < 0)
        return -errno;
    return st.st_size && !resume ? -EEXIST : 0;
}

int journal_open(struct journal *j, const char *path, bool resume)
{
    *j = (struct journal){ .fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666) };
    if (j->fd < 0)
        return -errno;
    int r = lock_journal(j->fd, resume);
    if (r == 0 && resume)
        r = journal_read(j);
    if (r < 0)
        journal_close(j);
    return r;
}

void journal_close(struct journal *j)
{
    if (j->fd >= 0)
        close(j->fd);
    free(j->results);
    tdestroy(j->parts, free_part);
    *j = (struct journal){ .fd = -1 };
}
