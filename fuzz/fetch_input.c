/* SPDX-License-Identifier: MIT */
/* fetch_input.c - fuzz the input of `asyncio fetch`: lines that are URLs or JSON objects.
 *
 * The lines are read twice, once as a whole and once in pieces, with the same result. Each request
 * that is accepted is valid, and written as JSON and parsed again it is the same request. */
#include "fuzz.h"

#include "fetch/http_syntax.h"
#include "fetch/input.h"
#include "fetch/json_writer.h"
#include "fetch/url.h"

#include <stdlib.h>
#include <string.h>

enum { LINE_MAX_BYTES = 512 }; /* so that short inputs have lines that are too long */

/* --- a request as JSON --- */

/* Returns how many headers from i on have the same name. They came from one list of values. */
static size_t count_same_name(const struct request *rq, size_t i)
{
    size_t name = strcspn(rq->headers[i], ":") + 1, n = 1;
    while (i + n < rq->header_count && strncmp(rq->headers[i], rq->headers[i + n], name) == 0)
        n++;
    return n;
}

static void put_headers(struct json_writer *j, const struct request *rq)
{
    json_put_key(j, "headers");
    json_put_open(j, '{');
    for (size_t i = 0, n; i < rq->header_count; i += n) {
        size_t name = strcspn(rq->headers[i], ":");
        n = count_same_name(rq, i);
        json_put_key_n(j, rq->headers[i], name);
        json_put_open(j, '[');
        for (size_t k = i; k < i + n; k++)
            json_put_string(j, rq->headers[k] + name + 2);
        json_put_close(j, ']');
    }
    json_put_close(j, '}');
}

static void put_string_member(struct json_writer *j, const char *key, const char *value)
{
    if (!value)
        return;
    json_put_key(j, key);
    json_put_string(j, value);
}

/* Write a request as a line of input. */
static void put_request(struct text *t, const struct request *rq)
{
    struct json_writer j = { .text = t };
    json_put_open(&j, '{');
    put_string_member(&j, "url", rq->url);
    put_string_member(&j, "method", rq->method);
    put_string_member(&j, "output", rq->output);
    put_string_member(&j, "sha256", rq->sha256[0] ? rq->sha256 : NULL);
    if (rq->id) {
        json_put_key(&j, "id");
        json_put_raw(&j, rq->id);
    }
    if (rq->header_count)
        put_headers(&j, rq);
    if (rq->body) {
        json_put_key(&j, "body");
        if (rq->body_json)
            json_put_raw(&j, rq->body);
        else
            json_put_string_n(&j, rq->body, rq->body_len);
    }
    json_put_close(&j, '}');
}

static void check_same_when_parsed_again(const struct request *rq)
{
    struct text first = { 0 }, second = { 0 };
    struct request again = { 0 };
    put_request(&first, rq);
    int r = request_parse(&again, first.data, first.len);
    fuzz_check(r == 0 && !again.error[0], "%s: %d %s", first.data, r, again.error);
    put_request(&second, &again);
    fuzz_check(strcmp(first.data, second.data) == 0, "%s became %s", first.data, second.data);
    request_free(&again);
    text_free(&first);
    text_free(&second);
}

/* --- a request that was accepted --- */

static void check_json(const char *json)
{
    struct text copy = { 0 };
    struct json_writer j = { .text = &copy };
    fuzz_check(json_put_document(&j, json, strlen(json)) == 0, "%s is not JSON", json);
    text_free(&copy);
}

static void check_accepted(const struct request *rq)
{
    fuzz_check(rq->url && !url_check(rq->url, strlen(rq->url)), "%s", rq->url);
    fuzz_check(!rq->method || !method_check(rq->method), "%s", rq->method);
    for (size_t i = 0; i < rq->header_count; i++)
        fuzz_check(!header_check(rq->headers[i], strlen(rq->headers[i])), "%s", rq->headers[i]);
    if (rq->id)
        check_json(rq->id);
    fuzz_check(!rq->body || !rq->body[rq->body_len], "%zu", rq->body_len);
    if (rq->body_json)
        check_json(rq->body);
    fuzz_check(!rq->sha256[0] || strspn(rq->sha256, "0123456789abcdef") == 64, "%s", rq->sha256);
    check_same_when_parsed_again(rq);
}

/* --- lines --- */

/* Take all requests that are complete, and append a description of each. */
static void take_requests(struct input *in, struct text *log)
{
    struct request rq;
    int r;
    while ((r = input_next(in, &rq)) == 1) {
        text_printf(log, "%llu line %llu: %s ", (unsigned long long)rq.index,
                    (unsigned long long)rq.line, rq.error);
        if (rq.error[0])
            fuzz_check(strncmp(rq.error, "line ", 5) == 0, "%s", rq.error);
        else
            check_accepted(&rq);
        put_request(log, &rq);
        request_free(&rq);
    }
    fuzz_check(r == 0, "input_next() returned %d", r);
}

/* Read the input in pieces, or as a whole if random is NULL. */
static void read_lines(const uint8_t *data, size_t size, struct fuzz_random *random,
                       struct text *log)
{
    struct input in;
    input_init(&in, 0, LINE_MAX_BYTES);
    for (size_t at = 0, n; at < size; at += n) {
        n = random ? fuzz_random_piece(random, size - at) : size - at;
        char *piece = fuzz_copy(data + at, n);
        int r = input_feed(&in, piece, n);
        fuzz_check(r == 0, "input_feed() returned %d", r);
        free(piece);
        take_requests(&in, log);
    }
    input_end(&in);
    take_requests(&in, log);
    input_free(&in);
}

/* A line that is accepted as an object is one as a whole, with nothing behind it. */
static void check_line(const uint8_t *data, size_t size)
{
    struct request rq = { 0 };
    char *line = fuzz_copy(data, size);
    int r = request_parse(&rq, line, size);
    fuzz_check(r == 0, "request_parse() returned %d", r);
    if (size > 0 && *line == '{' && !rq.error[0]) {
        struct text copy = { 0 };
        struct json_writer j = { .text = &copy };
        fuzz_check(json_put_document(&j, line, size) == 0, "%.*s", (int)size, line);
        text_free(&copy);
    }
    request_free(&rq);
    free(line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text whole = { 0 }, split = { 0 };
    struct fuzz_random random;
    fuzz_random_init(&random, data, size);
    read_lines(data, size, NULL, &whole);
    read_lines(data, size, &random, &split);
    fuzz_check(whole.len == split.len && (!whole.len || !memcmp(whole.data, split.data, whole.len)),
               "as a whole:\n%s\nin pieces:\n%s", whole.data, split.data);
    text_free(&whole);
    text_free(&split);
    check_line(data, size);
    return 0;
}
