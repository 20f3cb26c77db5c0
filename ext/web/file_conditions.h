/* SPDX-License-Identifier: MIT */
/* file_conditions.h - which part of a file a request is for, if any: the conditions of RFC 9110. */
#ifndef WEB_FILE_CONDITIONS_H
#define WEB_FILE_CONDITIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

/* The headers of a request that matter for a file. NULL: it has none of that name. */
struct web_file_request {
    const char *if_match, *if_none_match, *if_modified_since, *if_unmodified_since;
    const char *range, *if_range;
};

/* What identifies the state of a file. */
struct web_file_tag {
    char etag[48];          /* with quotation marks */
    char last_modified[32]; /* a date of HTTP */
    time_t modified;
};

void web_file_tag(struct web_file_tag *ret, const struct stat *st);

/* Choose the response for a file of that many bytes.
 *
 * ret_first, ret_size  receive the first byte to send and how many there are; with 200, all of
 *                      them.
 * Returns    the status: 200, 206, 304, 412 or 416. */
int web_file_conditions(const struct web_file_request *rq, const struct web_file_tag *tag,
                        uint64_t size, uint64_t *ret_first, uint64_t *ret_size);

/* Parse a date of HTTP. Returns false if it is none. The two obsolete forms are accepted, too. */
bool web_parse_date(const char *text, time_t *ret);

/* Format a date of HTTP. */
void web_format_date(char *text, size_t size, time_t t);

#endif
