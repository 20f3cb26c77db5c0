/* SPDX-License-Identifier: MIT */
/* decoding.c - bodies with a Content-Encoding: each coding, one inside another, bodies that end too
 * early, and what is not of its coding. */
#include "http_test.h"

#include <string.h>
#include <zlib.h>

const char *const http_suite = "http-decoding";

/* These 30 bytes, compressed in each way. */
#define TEXT "hello hello hello hello hello\n"
static const char brotli[] = "\x1b\x1d\x00\x00\xa4\x14\x40\x72\x10\x45\x98\xa9\xc3\x73\xfa\x14";
static const char zstandard[] =
        "\x28\xb5\x2f\xfd\x20\x1e\x6d\x00\x00\x38\x68\x65\x6c\x6c\x6f\x20\x0a\x01\x00\xa9\x4b\x11";

struct bytes {
    char data[300];
    size_t size;
};

/* Compress by zlib. The number of bits selects gzip (31), zlib (15) or bare data (-15). */
static struct bytes compress_bytes(const void *data, size_t size, int bits)
{
    struct bytes out;
    z_stream z = { .next_in = (Bytef *)(uintptr_t)data,
                   .avail_in = (uInt)size,
                   .next_out = (Bytef *)out.data,
                   .avail_out = sizeof out.data };
    expect_int(deflateInit2(&z, 9, Z_DEFLATED, bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
    expect_int(deflate(&z, Z_FINISH), Z_STREAM_END);
    out.size = sizeof out.data - z.avail_out;
    deflateEnd(&z);
    return out;
}

static struct bytes copy_bytes(const void *data, size_t size)
{
    struct bytes b = { .size = size };
    memcpy(b.data, data, size);
    return b;
}

/* Append the second to the first. */
static struct bytes join_bytes(struct bytes a, struct bytes b)
{
    memcpy(a.data + a.size, b.data, b.size);
    a.size += b.size;
    return a;
}

/* Returns a URL whose answer has this Content-Encoding and the first size bytes of body. */
static const char *answer(struct server *sv, const char *coding, const struct bytes *body,
                          size_t size)
{
    char text[2048];
    int n = snprintf(text, sizeof text,
                     "HTTP/1.1%%20200%%20OK%%0D%%0AContent-Encoding:%%20%s%%0D%%0A"
                     "Content-Length:%%20%zu%%0D%%0A%%0D%%0A",
                     coding, size);
    for (size_t i = 0; i < size; i++)
        n += snprintf(text + n, sizeof text - (size_t)n, "%%%02x", (unsigned char)body->data[i]);
    return at(sv, "/raw?%s", text);
}

static ssize_t await_all_of_stream(async_http_session *s, const char *url, char *buf, size_t size)
{
    async_http_response_auto r = NULL;
    size_t got = 0;
    ssize_t n;
    int status = ASYNC_TRY(await_http_open(s, "GET", url, &r));
    expect_int(status, 200);
    while ((n = await_http_read(r, buf + got, size - got)) > 0)
        got += (size_t)n;
    return n < 0 ? n : (ssize_t)got;
}

/* Every prefix of the body is an error; the body is the text. */
static void check_coding(struct server *sv, async_http_session *s, const char *coding,
                         struct bytes body, const char *text)
{
    char buf[200];
    for (size_t size = 1; size <= body.size; size++) {
        async_http_response_auto r = NULL, f = NULL;
        const char *url = answer(sv, coding, &body, size);
        int code = await_http_get(s, url, &r, .failed = &f);
        ssize_t n = await_all_of_stream(s, url, buf, sizeof buf);
        if (size < body.size) {
            expect_that(code == -ENODATA, "%s: %zu of %zu: %d", coding, size, body.size, code);
            expect_int(f->error, ASYNC_HTTP_RESET);
            expect_int(n, -ENODATA);
        } else {
            expect_that(code == 200, "%s: %d %s", coding, code, f ? f->error_text : "");
            expect_text(r->body, text);
            expect_int(n, strlen(text));
            expect_bytes(buf, text, strlen(text));
        }
    }
}

HTTP_TEST(compressed_body_that_ends_early_is_enodata)
{
    check_coding(sv, s, "gzip", compress_bytes(TEXT, 30, 31), TEXT);
    check_coding(sv, s, "X-Gzip", compress_bytes(TEXT, 30, 31), TEXT);
    check_coding(sv, s, "deflate", compress_bytes(TEXT, 30, 15), TEXT);
    check_coding(sv, s, "deflate", compress_bytes(TEXT, 30, -15), TEXT);
    return 0;
}

/* The library may have been built without them. */
HTTP_TEST(br_and_zstd_are_decoded_if_they_are_accepted)
{
    async_http_response_auto r = NULL;
    expect_int(await_http_get(s, at(sv, "/echo"), &r), 200);
    const char *accepted = strstr(r->body, "Accept-Encoding: gzip, deflate");
    expect_not_null(accepted);
    if (strstr(accepted, ", br"))
        check_coding(sv, s, "br", copy_bytes(brotli, sizeof brotli - 1), TEXT);
    if (strstr(accepted, ", zstd"))
        check_coding(sv, s, "zstd", copy_bytes(zstandard, sizeof zstandard - 1), TEXT);
    return 0;
}

HTTP_TEST(codings_inside_each_other_are_undone_in_order)
{
    struct bytes once = compress_bytes(TEXT, 30, 31), all;
    all = compress_bytes(once.data, once.size, 15);
    check_coding(sv, s, "gzip,%20identity%20,deflate", all, TEXT);
    check_coding(sv, s, "gzip%0D%0AContent-Encoding:%20deflate", all, TEXT);
    return 0;
}

HTTP_TEST(gzip_of_several_members_is_one_body)
{
    async_http_response_auto r = NULL, junk = NULL;
    struct bytes one = compress_bytes(TEXT, 30, 31), two = join_bytes(one, one);
    expect_int(await_http_get(s, answer(sv, "gzip", &two, two.size), &r), 200);
    expect_text(r->body, TEXT TEXT);
    two = join_bytes(one, copy_bytes("junk", 4));
    expect_int(await_http_get(s, answer(sv, "gzip", &two, two.size), &junk), 200);
    expect_text(junk->body, TEXT);
    return 0;
}

HTTP_TEST(body_that_is_not_of_its_coding_is_eproto)
{
    static const char *const codings[] = { "gzip", "deflate", "compress",
                                           "gzip,gzip,gzip,gzip,gzip" };
    struct bytes body = copy_bytes("\xff\xff\xff not compressed at all", 26);
    for (size_t i = 0; i < sizeof codings / sizeof *codings; i++) {
        async_http_response_auto r = NULL, f = NULL;
        expect_int(await_http_get(s, answer(sv, codings[i], &body, body.size), &r, .failed = &f),
                   -EPROTO);
        expect_int(f->error, ASYNC_HTTP_PROTOCOL);
        expect_contains(f->error_text, "Content-Encoding");
    }
    return 0;
}

HTTP_TEST(body_of_no_bytes_is_complete_in_any_coding)
{
    async_http_response_auto r = NULL, h = NULL;
    struct bytes gzip = compress_bytes(TEXT, 30, 31);
    expect_int(await_http_get(s, answer(sv, "gzip", &gzip, 0), &r), 200);
    expect_int(r->size, 0);
    expect_int(await_http_head(s, at(sv, "/gzip/100000"), &h), 200);
    return 0;
}

/* What a program stores under the name of the URL must be what the server has stored there. */
HTTP_TEST(body_stays_compressed_if_it_was_asked_for_raw)
{
    async_http_response_auto r = NULL;
    struct bytes gzip = compress_bytes(TEXT, 30, 31);
    expect_int(await_http_get(s, answer(sv, "x-gzip", &gzip, gzip.size), &r, .no_decompress = true),
               200);
    expect_int(r->size, gzip.size);
    expect_bytes(r->body, gzip.data, gzip.size);
    return 0;
}

void http_cases(TCase *tc)
{
    tcase_add_test(tc, compressed_body_that_ends_early_is_enodata);
    tcase_add_test(tc, br_and_zstd_are_decoded_if_they_are_accepted);
    tcase_add_test(tc, codings_inside_each_other_are_undone_in_order);
    tcase_add_test(tc, gzip_of_several_members_is_one_body);
    tcase_add_test(tc, body_that_is_not_of_its_coding_is_eproto);
    tcase_add_test(tc, body_of_no_bytes_is_complete_in_any_coding);
    tcase_add_test(tc, body_stays_compressed_if_it_was_asked_for_raw);
}
