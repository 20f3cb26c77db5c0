/* SPDX-License-Identifier: MIT */
/* journal_read.c - read the records of a journal, and the end of the output that they describe. */
#include "journal_read.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A result whose "end" was not read yet. */
struct unconfirmed {
    uint64_t index, key;
    bool ok;
};

struct journal_reader {
    struct journal *j;
    struct unconfirmed *list;
    size_t count, cap;
    char *output;  /* path of the output of the last run, or NULL if it is no file any more */
    uint64_t size; /* of that file; UINT64_MAX if it is not known */
    uint64_t end;  /* lines before this offset have records */
};

static uint64_t uint_member(json_t *object, const char *name)
{
    json_int_t v = json_integer_value(json_object_get(object, name));
    return v > 0 ? (uint64_t)v : 0;
}

static const char *text_member(json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

static char *copy_member(json_t *object, const char *name)
{
    const char *s = text_member(object, name);
    return s ? strdup(s) : NULL;
}

/* ---- records ---- */

/* A run begins. Its output counts only if it is still the same file. */
static void read_run(struct journal_reader *r, json_t *run)
{
    struct stat st;
    const char *path = text_member(run, "output");
    free(r->output);
    r->count = 0;
    r->output = NULL;
    r->size = UINT64_MAX;
    r->end = uint_member(run, "at");
    if (!path || stat(path, &st) < 0 || !S_ISREG(st.st_mode) ||
        (uint64_t)st.st_dev != uint_member(run, "dev") ||
        (uint64_t)st.st_ino != uint_member(run, "ino"))
        return;
    r->output = strdup(path);
    r->size = (uint64_t)st.st_size;
}

static int read_done(struct journal_reader *r, json_t *record, uint64_t index)
{
    if (r->count == r->cap) {
        size_t cap = r->cap ? 2 * r->cap : 64;
        struct unconfirmed *grown = reallocarray(r->list, cap, sizeof *grown);
        if (!grown)
            return -ENOMEM;
        r->list = grown;
        r->cap = cap;
    }
    r->list[r->count++] = (struct unconfirmed){
        .index = index,
        .key = journal_key(text_member(record, "method"), text_member(record, "url")),
        .ok = json_is_true(json_object_get(record, "ok")),
    };
    return 0;
}

/* The results before this record were written, unless the output has lost them since. */
static int read_end(struct journal_reader *r, json_t *end)
{
    int e = 0;
    uint64_t at = json_is_integer(end) ? (uint64_t)json_integer_value(end) : 0;
    for (size_t i = 0; i < r->count && e == 0 && at <= r->size; i++)
        e = journal_add_done(r->j, r->list[i].index, r->list[i].key, r->list[i].ok);
    r->count = 0;
    if (at && at <= r->size)
        r->end = at;
    return e;
}

static int read_part(struct journal_reader *r, json_t *record, uint64_t index)
{
    struct journal_part *p = calloc(1, sizeof *p);
    if (!p)
        return -ENOMEM;
    *p = (struct journal_part){
        .index = index,
        .key = uint_member(record, "key"),
        .name = copy_member(record, "name"),
        .validator = copy_member(record, "validator"),
        .url = copy_member(record, "url"),
        .sha256 = copy_member(record, "sha256"),
        .inode = uint_member(record, "ino"),
        .bytes = uint_member(record, "bytes"),
        .wire_bytes = uint_member(record, "wire_bytes"),
        .status = (int)uint_member(record, "status"),
    };
    return journal_add_part(r->j, p);
}

static int read_record(struct journal_reader *r, json_t *record)
{
    json_t *v = json_object_get(record, "run");
    if (v) {
        read_run(r, v);
        return 0;
    }
    if ((v = json_object_get(record, "end")))
        return read_end(r, v);
    if ((v = json_object_get(record, "done")))
        return read_done(r, record, (uint64_t)json_integer_value(v));
    if ((v = json_object_get(record, "part")) || (v = json_object_get(record, "file")))
        return read_part(r, record, (uint64_t)json_integer_value(v));
    return 0;
}

/* Parse a line, and read it if it is a whole object. */
static int read_line(struct journal_reader *r, const char *line, size_t n,
                     int (*read)(struct journal_reader *r, json_t *object))
{
    json_t *object = json_loadb(line, n, JSON_ALLOW_NUL, NULL);
    int e = json_is_object(object) ? read(r, object) : 0;
    json_decref(object);
    return e;
}

/* ---- the end of the output ---- */

/* A result line has no record, so it gets one. Lines of cancelled requests are not final. */
static int read_result(struct journal_reader *r, json_t *result)
{
    json_t *index = json_object_get(result, "index");
    const char *kind = text_member(json_object_get(result, "error"), "kind");
    if (!json_is_integer(index) || (kind && strcmp(kind, "cancelled") == 0))
        return 0;
    return read_done(r, result, (uint64_t)json_integer_value(index));
}

/* Write the records of the lines that were found. */
static int record_found(struct journal_reader *r, struct text *records)
{
    int e = 0;
    for (size_t i = 0; i < r->count && e == 0; i++)
        e = journal_add_done(r->j, r->list[i].index, r->list[i].key, r->list[i].ok);
    return e < 0 ? e : journal_write_done(r->j, records, -1);
}

static int read_result_and_record(struct journal_reader *r, json_t *result, struct text *records)
{
    size_t before = r->count;
    int e = read_result(r, result);
    if (e == 0 && r->count > before)
        journal_put_done(records, r->list[before].index, text_member(result, "method"),
                         text_member(result, "url"),
                         r->list[before].ok ? FAILURE_NONE : FAILURE_HTTP,
                         (int)uint_member(result, "status"));
    return e;
}

/* Read the lines behind r->end, and cut off a last one that is not whole. */
static int read_output_end(struct journal_reader *r, FILE *file)
{
    struct text records = { 0 };
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;
    int e = fseeko(file, (off_t)r->end, SEEK_SET) < 0 ? -errno : 0;
    while (e == 0 && (n = getline(&line, &cap, file)) > 0) {
        if (line[n - 1] != '\n') {
            e = ftruncate(fileno(file), (off_t)r->end) < 0 ? -errno : 0;
            break;
        }
        json_t *result = json_loadb(line, (size_t)n, JSON_ALLOW_NUL, NULL);
        e = read_result_and_record(r, result, &records);
        json_decref(result);
        r->end += (uint64_t)n;
    }
    free(line);
    if (e == 0)
        e = record_found(r, &records);
    text_free(&records);
    return e;
}

static int read_last_output(struct journal_reader *r)
{
    r->count = 0;
    if (!r->output || r->size <= r->end)
        return 0;
    FILE *file = fopen(r->output, "r+e");
    if (!file)
        return -errno;
    int e = read_output_end(r, file);
    fclose(file);
    return e;
}

/* ---- the journal ---- */

static int read_records(struct journal_reader *r, FILE *file)
{
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;
    int e = 0;
    bool whole = true;
    while (e == 0 && (n = getline(&line, &cap, file)) > 0) {
        whole = line[n - 1] == '\n';
        if (whole)
            e = read_line(r, line, (size_t)n, read_record);
    }
    free(line);
    if (e == 0 && !whole && write(r->j->fd, "\n", 1) != 1) /* ends a record that was cut off */
        e = -errno;
    return e;
}

int journal_read(struct journal *j)
{
    struct journal_reader r = { .j = j, .size = UINT64_MAX };
    int fd = fcntl(j->fd, F_DUPFD_CLOEXEC, 3);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
    if (!file)
        return -errno;
    rewind(file);
    int e = read_records(&r, file);
    if (e == 0)
        e = read_last_output(&r);
    fclose(file);
    free(r.list);
    free(r.output);
    return e;
}
