/* SPDX-License-Identifier: MIT */
/* attempt_failure.c - describe what went wrong in an attempt. */
#include "attempt.h"
#include "stop.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void attempt_fail(struct attempt *a, enum failure_kind kind, int error, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(a->message, sizeof a->message, fmt, ap);
    va_end(ap);
    a->error = error;
    a->failure = (struct failure){ .kind = kind,
                                   .message = a->message,
                                   .code = error ? failure_errno(error) : NULL };
}

void attempt_out_of_memory(struct attempt *a)
{
    attempt_fail(a, FAILURE_LOCAL, -ENOMEM, "out of memory");
}

void attempt_cancelled(const struct job *j, struct attempt *a)
{
    attempt_fail(a, FAILURE_CANCELLED, 0, "%s", stop_message(j->run));
}

/* ---- what went wrong ---- */

/* Map an error of the HTTP client to a kind. A wrong URL comes from the input, unless a server has
 * sent it in a redirect. */
static enum failure_kind http_failure_kind(enum async_http_error e, bool redirected)
{
    switch (e) {
    case ASYNC_HTTP_BAD_URL:
    case ASYNC_HTTP_SCHEME:
        return redirected ? FAILURE_REDIRECT : FAILURE_INPUT;
    case ASYNC_HTTP_BAD_REQUEST:
        return FAILURE_INPUT;
    case ASYNC_HTTP_FORBIDDEN:
    case ASYNC_HTTP_REDIRECTS:
        return FAILURE_REDIRECT;
    case ASYNC_HTTP_DNS:
        return FAILURE_DNS;
    case ASYNC_HTTP_CONNECT:
    case ASYNC_HTTP_PROXY:
        return FAILURE_CONNECT;
    case ASYNC_HTTP_TLS:
    case ASYNC_HTTP_CERTIFICATE:
        return FAILURE_TLS;
    case ASYNC_HTTP_TIMEOUT:
        return FAILURE_TIMEOUT;
    case ASYNC_HTTP_RESET:
        return FAILURE_RESET;
    case ASYNC_HTTP_TOO_LARGE:
        return FAILURE_TOO_LARGE;
    case ASYNC_HTTP_STATUS:
        return FAILURE_HTTP;
    case ASYNC_HTTP_CANCELED:
        return FAILURE_CANCELLED;
    case ASYNC_HTTP_OK:
    case ASYNC_HTTP_CLOSED:
    case ASYNC_HTTP_RESOURCES:
        return FAILURE_LOCAL;
    case ASYNC_HTTP_PROTOCOL:
        break;
    }
    return FAILURE_PROTOCOL;
}

/* Was a TLS handshake cut off, so that it may succeed the next time? libcurl has the same code for
 * a version that the server does not support. */
static bool is_cut_off(const char *text)
{
    return strcasestr(text, "SYSCALL") || strcasestr(text, "reset") ||
           strcasestr(text, "unexpected eof");
}

/* Describe the error of the HTTP client. */
void attempt_fail_http(struct job *j, struct attempt *a, int code)
{
    async_http_response *p = a->response;
    if (code == -ECANCELED) {
        attempt_fail(a, FAILURE_CANCELLED, code, "%s", stop_message(j->run));
    } else if (!p || p->error == ASYNC_HTTP_OK) {
        const char *text = async_fail_text(code);
        attempt_fail(a, FAILURE_LOCAL, code, "%s", *text ? text : strerror(-code));
    } else {
        attempt_fail(a, http_failure_kind(p->error, p->redirect_count > 0), code, "%s",
                     *p->error_text ? p->error_text : strerror(-code));
        a->failure.temporary = a->failure.kind == FAILURE_TLS && p->error == ASYNC_HTTP_TLS &&
                               is_cut_off(p->error_text);
    }
}
