/* SPDX-License-Identifier: MIT */
/* request_headers.h - validation of a request's headers, as a defence against request smuggling. */
#ifndef WEB_REQUEST_HEADERS_H
#define WEB_REQUEST_HEADERS_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stdint.h>

/* The parts of the first line, where MHD has them in its memory. */
struct web_request_line {
    const char *method;
    const char *target, *target_end; /* target_end: where MHD's string ended when it was new */
    const char *version;
};

/* The headers that describe the body. */
struct web_framing {
    uint64_t length; /* Content-Length; 0 if there is none */
    bool expects_continue;
    bool close_after; /* read no further request from the connection */
};

/* Is the head of a request valid, did MHD pass on all of it, and can its body end in one place
 * only? If not, the response must be 400, and the connection must be closed before the body. */
bool web_request_headers_check(struct MHD_Connection *mhd, const struct web_request_line *line,
                               struct web_framing *ret);

/* Returns the status with which a request is refused for its Content-Length, 400 or 413, or 0 if
 * that is a number or missing. */
int web_request_length_refusal(struct MHD_Connection *mhd);

#endif
