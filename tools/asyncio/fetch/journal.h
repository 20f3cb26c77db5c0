/* SPDX-License-Identifier: MIT */
/* journal.h - --journal: which requests have their final result line, so that --resume can skip
 * them, and which files are unfinished, so that it can continue them.
 *
 *   journal_open      open the file, and read what earlier runs have recorded
 *   journal_start     record that a run begins, and where its result lines go
 *   journal_state     has this request a final result?
 *   journal_part      the file that was begun for it
 *   journal_put_...   record one of the below
 *
 * The file is append-only. Each record is a line of JSON, with one of these members first:
 *
 *   {"run":{"output":"/home/me/out","dev":1,"ino":2,"at":0}}    result lines go to this file
 *   {"done":7,"method":"GET","url":"http://a/","ok":true,"kind":null,"status":200}
 *   {"end":4096}                               those lines lie before this offset of the output
 *   {"part":8,"key":1,"name":"b","validator":"\"v1\""}          NAME.part can be continued
 *   {"file":8,"key":1,"name":"b","ino":3,"bytes":10,...}        NAME is about to be complete
 *
 * A result line is written first, and recorded afterwards. So a run that is killed may have written
 * lines that are not recorded: the next run reads the end of that output, if it is a file, records
 * these lines, and removes a last line that is cut off. Only if the output was a pipe may the last
 * lines be printed again. If the machine has crashed, lines may be recorded that the output has
 * lost: those whose offset is beyond its end count as not done.
 *
 * A request is known by its index, its method and its URL. */
#ifndef FETCH_JOURNAL_H
#define FETCH_JOURNAL_H

#include "common/text.h"
#include "failure.h"

#include <stdint.h>

enum journal_state { JOURNAL_NEW, JOURNAL_OK, JOURNAL_FAILED };

/* A file of a request that has no result yet. */
struct journal_part {
    uint64_t index, key;
    char *name;
    char *validator;       /* for If-Range; NULL if the file is complete */
    char *url, *sha256;    /* the last URL, and the digest or NULL, of a complete file */
    uint64_t inode, bytes; /* of a complete file */
    uint64_t wire_bytes;   /* as received */
    int status;
};

struct journal {
    int fd;            /* -1 without a journal */
    uint64_t *results; /* key and state of each request, by index */
    size_t count;      /* entries in results */
    void *parts;       /* struct journal_part, by index; a tree of tsearch() */
};

/* Return what identifies a request besides its index; 0, which fits any, if url is NULL. */
uint64_t journal_key(const char *method, const char *url);

/* Open or create a journal, which no other run may use at the time.
 *
 * resume     false: it must be new or empty.
 * Returns    0; -EEXIST if it is not empty and resume is false; -EBUSY if another run uses it; or
 *            another negative errno, and then nothing needs to be closed. */
int journal_open(struct journal *j, const char *path, bool resume);
void journal_close(struct journal *j);

/* Record that a run begins whose result lines are written to fd. */
int journal_start(struct journal *j, int fd);

enum journal_state journal_state(const struct journal *j, uint64_t index, uint64_t key);

/* Return the file that was begun for a request, or NULL. */
const struct journal_part *journal_part(const struct journal *j, uint64_t index, uint64_t key);

/* Append the record of a result line to a text. */
void journal_put_done(struct text *t, uint64_t index, const char *method, const char *url,
                      enum failure_kind kind, int status);

/* Write records of result lines that were written to fd before. Returns 0 or a negative errno. */
int journal_write_done(struct journal *j, struct text *records, int fd);

/* Write a record of a file: it can be continued (validator), or is about to be complete. */
int journal_write_part(struct journal *j, const struct journal_part *part);

#endif
