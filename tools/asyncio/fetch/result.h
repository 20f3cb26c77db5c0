/* SPDX-License-Identifier: MIT */
/* result.h - the result line, of which every request gets exactly one.
 *
 *     {"index":0,"id":null,"url":"https://example.com/","final_url":"https://example.com/",
 *      "method":"GET","ok":true,"status":200,"error":null,"attempts":1,"redirects":[],
 *      "http":"1.1","remote_ip":"192.0.2.1","bytes":12,"wire_bytes":12,
 *      "t":{"queued":0.010,"dns":1.200,"connect":10.000,"tls":21.000,"ttfb":40.000,
 *      "total":41.000},"body":"hello, world"}
 *
 * (without the line breaks). All members up to "t" are always present, and null if they are not
 * known. "headers", one of "body", "body_base64" and "file", and "sha256" are present only if
 * there is such a thing, and "skipped" only with --skip-existing. URLs are without user name and
 * password. Readers must ignore unknown members. */
#ifndef FETCH_RESULT_H
#define FETCH_RESULT_H

#include "common/text.h"
#include "failure.h"
#include "options.h"
#include "request.h"

struct result_redirect {
    int status;
    const char *url; /* that responded with the status */
};

struct result_header {
    const char *name, *value;
};

/* Times in seconds; negative if not known. queued ends with the first attempt, total with the
 * last. */
struct result_times {
    double queued, dns, connect, tls, ttfb, total;
};

/* The members that can be chosen. FIELD_BODY stands for body, body_base64 and file. */
enum result_field {
    FIELD_INDEX,
    FIELD_ID,
    FIELD_URL,
    FIELD_FINAL_URL,
    FIELD_METHOD,
    FIELD_OK,
    FIELD_STATUS,
    FIELD_ERROR,
    FIELD_ATTEMPTS,
    FIELD_REDIRECTS,
    FIELD_HTTP,
    FIELD_REMOTE_IP,
    FIELD_BYTES,
    FIELD_WIRE_BYTES,
    FIELD_T,
    FIELD_HEADERS,
    FIELD_BODY,
    FIELD_SKIPPED,
    FIELD_SHA256,
    FIELD_COUNT
};
#define RESULT_FIELDS_OF_JOURNAL                                                                   \
    (1U << FIELD_INDEX | 1U << FIELD_URL | 1U << FIELD_METHOD | 1U << FIELD_OK | 1U << FIELD_ERROR)

struct result {      /* owns nothing */
    unsigned fields; /* a bit for each member to print; 0: all */
    const struct request *request;
    const char *final_url; /* the URL of the last attempt, after redirects */
    const char *method;
    struct failure failure; /* FAILURE_NONE if it succeeded */
    int status;             /* 0 if there was no response */
    long attempts;
    const struct result_redirect *redirects;
    size_t redirect_count;
    const char *http; /* "1.1", "2" */
    const char *remote_ip;
    uint64_t bytes, wire_bytes; /* of the body: decoded, and as received */
    struct result_times t;
    const struct result_header *headers; /* as received; NULL if they are not wanted */
    size_t header_count;
    const char *body; /* NULL if there is none to print */
    size_t body_len;
    enum body_mode mode;
    const char *file;
    bool skipped; /* by --skip-existing */
    const char *sha256;
};

/* Parse names of members, separated by commas, as --fields has them. ret receives a bit for each.
 * Returns 0 or -EINVAL. */
int result_fields_parse(const char *list, unsigned *ret);

/* Make the result of a request that has not begun; one with request->error has failed already. */
void result_init(struct result *r, const struct request *request);

/* Append the line with its line end. Returns 0; -ENOMEM, and then nothing is appended.
 *
 * The mode of the body is one of
 *   auto   a string if it is UTF-8 without NUL, which many readers of JSON refuse, and with few
 *          control characters, which would become six bytes each; otherwise base64
 *   text   always a string, in which malformed UTF-8 is replaced
 *   json   a JSON value if it is JSON, otherwise base64
 * Headers are an object with names in lower case, each with a list of values. */
int result_line(const struct result *r, struct text *ret);

#endif
