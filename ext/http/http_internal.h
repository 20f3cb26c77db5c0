/* SPDX-License-Identifier: MIT */
/* http_internal.h - what the files that prepare a request share. */
#ifndef ASYNCIO_HTTP_INTERNAL_H
#define ASYNCIO_HTTP_INTERNAL_H

#include <asyncio/error.h>
#include <asyncio/scope.h>
#include <asyncio/task.h>

#include <errno.h>
#include <string.h>

#include "call.h"
#include "easy_handle.h"
#include "transfer.h"
#include "url.h"

int http_body_choose(struct http_call *c);
int http_auth_choose(struct http_call *c, const char *user, const char *password);
int http_fields_check(struct http_error *e, const char *const *pairs);
int http_fields_build(struct http_call *c);
bool http_token(const char *s);
int http_fields_plain(async_http_session *s);
int http_redirect_follow(struct http_call *c); /* prepare the next hop */

#endif
