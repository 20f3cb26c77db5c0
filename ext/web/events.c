/* SPDX-License-Identifier: MIT */
/* events.c - server-sent events: a stream of lines "field: value", an empty line behind each
 * event. */
#include "request.h"

#include <asyncio/error.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Cache-Control keeps caches from storing the stream. X-Accel-Buffering keeps nginx from collecting
 * it before it passes it on. */
int await_web_events_begin(async_web_request *rq)
{
    int r = async_web_add_header(rq, "Cache-Control", "no-cache");
    if (r == 0)
        r = async_web_add_header(rq, "X-Accel-Buffering", "no");
    return r < 0 ? r : await_web_stream_begin(rq, 200, "text/event-stream");
}

static bool is_one_line(const char *text)
{
    return !text || text[strcspn(text, "\r\n")] == '\0';
}

/* Write each line of data behind "data: ". CR, LF and CR LF end a line. */
static void print_data(FILE *f, const char *data)
{
    for (;;) {
        size_t n = strcspn(data, "\r\n");
        fprintf(f, "data: %.*s\n", (int)n, data);
        data += n;
        if (*data == '\0')
            return;
        data += data[0] == '\r' && data[1] == '\n' ? 2 : 1;
    }
}

static void print_event(FILE *f, const char *data, const struct async_web_event_opts *o)
{
    if (o->comment)
        fprintf(f, ": %s\n", o->comment);
    if (o->event)
        fprintf(f, "event: %s\n", o->event);
    if (o->id)
        fprintf(f, "id: %s\n", o->id);
    if (o->retry > 0)
        fprintf(f, "retry: %.0f\n", o->retry * 1000);
    if (data)
        print_data(f, data);
    fputc('\n', f);
}

/* Returns the text of an event, for free(), or NULL without memory. */
static char *format_event(const char *data, const struct async_web_event_opts *o, size_t *ret_size)
{
    char *text = NULL;
    FILE *f = open_memstream(&text, ret_size);
    if (!f)
        return NULL;
    print_event(f, data, o);
    bool failed = ferror(f);
    if (fclose(f) == 0 && !failed)
        return text;
    free(text);
    return NULL;
}

int await_web_event_opt(async_web_request *rq, const char *data,
                        const struct async_web_event_opts *opts)
{
    struct async_web_event_opts o = { .struct_size = 0 };
    size_t size;
    memcpy(&o, opts, opts->struct_size < sizeof o ? opts->struct_size : sizeof o);
    if (!is_one_line(o.event) || !is_one_line(o.id) || !is_one_line(o.comment))
        return async_fail(-EINVAL, "the name, id or comment of an event has a line break");
    char *text = format_event(data, &o, &size);
    if (!text)
        return -ENOMEM;
    int r = await_web_write(rq, text, size);
    free(text);
    return r;
}
