/* SPDX-License-Identifier: MIT */
/* result.h - the one line that every input gets.
 *
 *     {"index":0,"id":null,"url":"https://example.com/","final_url":"https://example.com/",
 *      "method":"GET","ok":true,"status":200,"error":null,"attempts":1,"redirects":[],
 *      "http":"1.1","remote_ip":"192.0.2.1","bytes":12,"wire_bytes":12,
 *      "t":{"queued":0.010,"dns":1.200,"connect":10.000,"tls":21.000,"ttfb":40.000,
 *      "total":41.000},"body":"hello, world"}
 *
 * (without the line breaks). All fields up to "t" are always there, null if they are not known;
 * "headers", one of "body", "body_base64" and "file", and "sha256" only if there is such a thing.
 * URLs stand without user name and password. Readers must ignore fields that they do not know. */
#ifndef FETCH_RESULT_H
#define FETCH_RESULT_H

#include "failure.h"
#include "options.h"
#include "request.h"
#include "common/text.h"

struct result_redirect {
    int status;
    const char *url; /* which answered so */
};

struct result_header {
    const char *name, *value;
};

/* Seconds; negative: not known. queued: until the first attempt; total: all of it. */
struct result_times {
    double queued, dns, connect, tls, ttfb, total;
};

struct result { /* everything in it is borrowed */
    const struct request_spec *spec;
    const char *final_url; /* that was tried last */
    const char *method;
    struct failure failure; /* FAILURE_NONE: ok */
    int status;             /* 0: no answer */
    long attempts;
    const struct result_redirect *redirects;
    size_t redirect_count;
    const char *http; /* "1.1", "2" */
    const char *remote_ip;
    uint64_t bytes, wire_bytes; /* of the body, decoded and as it came */
    struct result_times t;
    const struct result_header *headers; /* as they came; NULL: not asked for */
    size_t header_count;
    const char *body; /* NULL: none to show */
    size_t body_len;
    enum body_mode mode;
    const char *file;
    const char *sha256;
};

/* Nothing has happened yet to this request; one with spec->error has already failed. */
void result_init(struct result *r, const struct request_spec *spec);

/* Append the line, with its line end. -ENOMEM: nothing was appended.
 *
 * The body in mode auto: a string if it is UTF-8 without NUL (which many readers of JSON refuse),
 * else base64. text: always a string, what is not UTF-8 replaced. json: as a JSON value if it is
 * JSON, else base64, so that "body" is always what the server meant. Headers are an object of
 * lower-case names, each with a list. */
int result_line(const struct result *r, struct text *ret);

#endif
