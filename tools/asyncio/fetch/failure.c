/* SPDX-License-Identifier: MIT */
/* failure.c - the names of failures. */
#include "failure.h"

#include <string.h>

const char *failure_name(enum failure_kind kind)
{
    static const char *const names[FAILURE_KINDS] = {
        [FAILURE_INPUT] = "input",         [FAILURE_DNS] = "dns",
        [FAILURE_CONNECT] = "connect",     [FAILURE_TLS] = "tls",
        [FAILURE_TIMEOUT] = "timeout",     [FAILURE_RESET] = "reset",
        [FAILURE_PROTOCOL] = "protocol",   [FAILURE_HTTP] = "http",
        [FAILURE_REDIRECT] = "redirect",   [FAILURE_TOO_LARGE] = "too_large",
        [FAILURE_CHECKSUM] = "checksum",   [FAILURE_LOCAL] = "local",
        [FAILURE_CANCELLED] = "cancelled", [FAILURE_NONE] = "none",
    };
    return names[kind];
}

const char *failure_errno(int error)
{
#ifdef __GLIBC__
    return strerrorname_np(-error);
#else
    (void)error; /* other C libraries have no such function, and results then lack the code */
    return NULL;
#endif
}
