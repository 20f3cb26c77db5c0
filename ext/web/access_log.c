/* SPDX-License-Identifier: MIT */
/* access_log.c - lines are collected, and written when the loop has run what was ready: under load
 * that is one write for many lines. A pipe that is full loses lines instead of delaying requests;
 * how many is written later. */
#include "access_log.h"

#include <asyncio/error.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LINES_SIZE = 65536, LINE_MAX_SIZE = 4096 };

/* --- lines --- */

static void flush_lines(struct web_access_log *log)
{
    size_t done = 0;
    while (done < log->size) {
        ssize_t n = write(log->fd, log->lines + done, log->size - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            break;
        done += (size_t)n;
    }
    for (size_t i = done; i < log->size; i++)
        log->lost += log->lines[i] == '\n';
    log->size = 0;
}

static void on_flush(void *access_log)
{
    struct web_access_log *log = access_log;
    log->flush_scheduled = false;
    flush_lines(log);
}

/* The time of the day changes once a second, and formatting it takes longer than all else. */
static const char *current_time(struct web_access_log *log)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    if (now.tv_sec != log->second) {
        struct tm t;
        log->second = now.tv_sec;
        gmtime_r(&log->second, &t);
        strftime(log->time, sizeof log->time, "%d/%b/%Y:%H:%M:%S +0000", &t);
    }
    return log->time;
}

/* Append text that a client has sent. What would end a quoted string or a line, or could be a
 * command to a terminal, becomes "\xHH". Returns the new end, at most end - 4. */
static char *append_escaped(char *to, const char *end, const char *text)
{
    if (!text || !*text)
        text = "-";
    for (; *text && to < end - 4; text++) {
        unsigned char c = (unsigned char)*text;
        if (c < ' ' || c >= 0x7f || c == '"' || c == '\\')
            to += sprintf(to, "\\x%02X", c);
        else
            *to++ = (char)c;
    }
    return to;
}

static char *append_quoted(char *to, const char *end, const char *text)
{
    *to++ = '"';
    to = append_escaped(to, end, text);
    *to++ = '"';
    *to++ = ' ';
    return to;
}

/* Format a line of the combined log format, with the seconds that the request took at its end. */
static size_t format_line(struct web_access_log *log, char *line, const async_web_log *e)
{
    char *to = line, *end = line + LINE_MAX_SIZE / 4;
    to = append_escaped(to, end, e->client);
    to += sprintf(to, " - - [%s] \"", current_time(log));
    to = append_escaped(to, end, e->method);
    *to++ = ' ';
    to = append_escaped(to, end + LINE_MAX_SIZE / 4, e->target);
    to += sprintf(to, " HTTP/1.1\" %d %llu ", e->status, (unsigned long long)e->size);
    to = append_quoted(to, to + LINE_MAX_SIZE / 8, e->referer);
    to = append_quoted(to, to + LINE_MAX_SIZE / 8, e->user_agent);
    to += sprintf(to, "%.6f\n", e->seconds);
    return (size_t)(to - line);
}

static void add_line(struct web_access_log *log, const async_web_log *e)
{
    if (log->size + LINE_MAX_SIZE > LINES_SIZE)
        flush_lines(log);
    if (log->lost > 0)
        log->size += (size_t)sprintf(log->lines + log->size, "# %u lines lost\n", log->lost);
    log->lost = 0;
    log->size += format_line(log, log->lines + log->size, e);
    if (!log->flush_scheduled) {
        log->flush_scheduled = true;
        async_call_soon(&log->flush, on_flush, log);
    }
}

void web_access_log_add(struct web_access_log *log, const async_web_log *entry)
{
    if (log->fd > 0)
        add_line(log, entry);
    if (log->fn)
        log->fn(entry, log->arg);
}

/* --- open and close --- */

int web_access_log_open(struct web_access_log *log, const struct async_web_opts *opts)
{
    log->fd = opts->access_log;
    log->fn = opts->log;
    log->arg = opts->arg;
    if (log->fd > 0)
        log->lines = malloc(LINES_SIZE + 64);
    return log->fd > 0 && !log->lines ? -ENOMEM : 0;
}

void web_access_log_close(struct web_access_log *log)
{
    if (log->flush_scheduled)
        async_callback_cancel(&log->flush);
    log->flush_scheduled = false;
    if (log->lines)
        flush_lines(log);
    free(log->lines);
    log->lines = NULL;
    log->fd = 0;
    log->fn = NULL;
}
