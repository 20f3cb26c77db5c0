/* SPDX-License-Identifier: MIT */
/* test_fetch_journal.c - journals that are whole, cut off, or wrong; and the set of file names. */
#include "tool_check.h"

#include "fetch/journal.h"
#include "fetch/keep_order.h"
#include "fetch/names.h"

#include <fcntl.h>
#include <unistd.h>

static const char path[] = "fetch-journal-test";

static void write_journal(const char *content, size_t n)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    expect_int(write(fd, content, n), (int)n);
    close(fd);
}

static enum journal_state state_of(const struct journal *j, uint64_t index, const char *url)
{
    return journal_state(j, index, journal_key("GET", url));
}

TEST(records_are_read_back)
{
    struct journal j;
    struct text t = { 0 };
    unlink(path);
    expect_ok(journal_open(&j, path, false));
    expect_ok(journal_start(&j, -1));
    journal_put_done(&t, 0, "GET", "http://u:p@a/", FAILURE_NONE, 200);
    journal_put_done(&t, 5000, "GET", "http://b/", FAILURE_DNS, 0);
    expect_true(!strstr(t.data, "u:p"));
    expect_ok(journal_write_done(&j, &t, -1));
    struct journal_part part = { .index = 7, .key = 8, .name = "n", .validator = "\"v\"" };
    expect_ok(journal_write_part(&j, &part));
    struct journal_part file = { .index = 9,
                                 .key = 8,
                                 .name = "m",
                                 .url = "http://c/",
                                 .sha256 = "ab",
                                 .inode = 3,
                                 .bytes = 4,
                                 .status = 200 };
    expect_ok(journal_write_part(&j, &file));
    journal_close(&j);
    text_free(&t);

    expect_int(journal_open(&j, path, false), -EEXIST);
    expect_ok(journal_open(&j, path, true));
    expect_int(state_of(&j, 0, "http://a/"), JOURNAL_OK);
    expect_int(state_of(&j, 0, "http://other/"), JOURNAL_NEW);
    expect_int(state_of(&j, 0, NULL), JOURNAL_OK); /* a line that is no request has no URL */
    expect_int(state_of(&j, 5000, "http://b/"), JOURNAL_FAILED);
    expect_int(state_of(&j, 1, "http://a/"), JOURNAL_NEW);
    expect_int(state_of(&j, UINT64_MAX, "http://a/"), JOURNAL_NEW);
    const struct journal_part *p = journal_part(&j, 7, 8);
    expect_not_null(p);
    expect_text(p->validator, "\"v\"");
    expect_true(!journal_part(&j, 7, 9) && !journal_part(&j, 8, 8));
    p = journal_part(&j, 9, 8);
    expect_not_null(p);
    expect_true(!p->validator && p->inode == 3 && p->bytes == 4 && p->status == 200);
    expect_text(p->url, "http://c/");
    struct journal other;
    expect_int(journal_open(&other, path, true), -EBUSY);
    journal_close(&j);
    unlink(path);
}

/* Property: wherever the journal is cut off, what is read is a part of what was written, and new
 * records can be appended. */
TEST(journal_that_is_cut_off_can_be_continued)
{
    static const char whole[] =
            "{\"run\":{\"output\":null,\"dev\":1,\"ino\":1,\"at\":null}}\n"
            "{\"done\":0,\"method\":\"GET\",\"url\":\"http://a/\",\"ok\":true}\n"
            "{\"end\":null}\n"
            "{\"done\":1,\"method\":\"GET\",\"url\":\"http://b/\",\"ok\":true}\n"
            "{\"end\":null}\n";
    size_t first = (size_t)(strstr(whole, "null}\n{\"done\":1") + 6 - whole);
    for (size_t n = 0; n < sizeof whole; n++) {
        struct journal j;
        struct text t = { 0 };
        write_journal(whole, n);
        expect_ok(journal_open(&j, path, true));
        expect_int(state_of(&j, 0, "http://a/"), n >= first ? JOURNAL_OK : JOURNAL_NEW);
        expect_int(state_of(&j, 1, "http://b/"), n == sizeof whole - 1 ? JOURNAL_OK : JOURNAL_NEW);
        journal_put_done(&t, 2, "GET", "http://c/", FAILURE_NONE, 200);
        expect_ok(journal_start(&j, -1));
        expect_ok(journal_write_done(&j, &t, -1));
        journal_close(&j);
        text_free(&t);
        expect_ok(journal_open(&j, path, true));
        expect_int(state_of(&j, 2, "http://c/"), JOURNAL_OK);
        journal_close(&j);
    }
    unlink(path);
}

TEST(wrong_records_are_skipped)
{
    static const char wrong[] =
            "\n[]\nnull\n{\"done\":-1,\"ok\":true}\n{\"end\":null}\n"
            "{\"done\":\"x\"}\n{\"run\":7}\n{\"part\":1}\n{\"file\":null}\n"
            "{\"done\":3,\"method\":7,\"url\":null,\"ok\":1}\n{\"end\":-5}\n\0\xff\n";
    struct journal j;
    write_journal(wrong, sizeof wrong - 1);
    expect_ok(journal_open(&j, path, true));
    expect_int(state_of(&j, 3, NULL), JOURNAL_FAILED);
    expect_int(state_of(&j, 1, NULL), JOURNAL_NEW);
    journal_close(&j);
    unlink(path);
}

TEST(equal_file_names_are_found)
{
    struct names n = { 0 };
    uint64_t other = 0;
    expect_ok(names_add(&n, "a", 1, &other));
    expect_ok(names_add(&n, "b", 2, &other));
    expect_int(names_add(&n, "a", 3, &other), -EEXIST);
    expect_int(other, 1);
    names_free(&n);
    expect_ok(names_add(&n, "a", 4, &other));
    names_free(&n);
}

TEST(skipped_lines_hold_up_no_others)
{
    struct order o;
    struct text line = { 0 }, got = { 0 };
    expect_ok(order_init(&o, 4, 1000));
    order_skip(&o, 0);
    expect_int(o.next, 1);
    order_skip(&o, 2);
    text_puts(&line, "1");
    order_put(&o, 1, &line);
    expect_true(order_take(&o, &got));
    expect_built_text(&got, "1");
    expect_int(o.next, 3);
    for (uint64_t i = 3; i < 20; i++)
        order_skip(&o, i);
    expect_int(o.next, 20);
    expect_true(!order_take(&o, &got));
    order_free(&o);
}

SUITE("fetch journal", records_are_read_back, journal_that_is_cut_off_can_be_continued,
      wrong_records_are_skipped, equal_file_names_are_found, skipped_lines_hold_up_no_others)
