/* SPDX-License-Identifier: MIT */
/* access_log.h - a line for each request, when it is over. */
#ifndef WEB_ACCESS_LOG_H
#define WEB_ACCESS_LOG_H

#include <asyncio/loop.h>
#include <asyncio/web.h>

struct web_access_log {
    int fd; /* 0: no lines are written */
    void (*fn)(const async_web_log *entry, void *arg);
    void *arg;
    char *lines; /* those that have not been written yet */
    size_t size;
    unsigned lost; /* lines that could not be written */
    time_t second; /* of .time */
    char time[40]; /* "22/Nov/2026:00:32:16 +0000" */
    async_callback flush;
    bool flush_scheduled;
};

/* Begin to log to a descriptor, which stays the caller's, and to a function; 0 and NULL: neither.
 * Returns 0 or -ENOMEM. */
int web_access_log_open(struct web_access_log *log, const struct async_web_opts *opts);

static inline bool web_access_log_is_on(const struct web_access_log *log)
{
    return log->fd > 0 || log->fn;
}

/* Log a request that is over. */
void web_access_log_add(struct web_access_log *log, const async_web_log *entry);

/* Write what is left, and free it. */
void web_access_log_close(struct web_access_log *log);

#endif
