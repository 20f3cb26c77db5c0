/* SPDX-License-Identifier: MIT */
/* request_headers.h - validation of a request's headers, as a defence against request smuggling. */
#ifndef WEB_REQUEST_HEADERS_H
#define WEB_REQUEST_HEADERS_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stdint.h>

/* The headers that describe the body. */
struct web_framing {
    uint64_t length; /* Content-Length; 0 if there is none */
    bool expects_continue;
};

/* Are the headers of a request valid, and can its body end in one place only? If not, the answer
 * must be 400, and the connection must be closed before its body. */
bool web_request_headers_check(struct MHD_Connection *mhd, const char *version,
                               struct web_framing *ret);

#endif
