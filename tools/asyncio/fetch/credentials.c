/* SPDX-License-Identifier: MIT */
/* credentials.c - read user names, passwords and tokens, and choose those of a request. */
#include "credentials.h"

#include "common/text.h"
#include "url.h"

#include <asyncio/http.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int fail_credentials(const char *path, const char *what, int error)
{
    fprintf(stderr, "asyncio fetch: %s: %s\n", path, what ? what : strerror(-error));
    return error;
}

/* Split USER:PASSWORD. */
static int set_user(struct credentials *c, const char *user)
{
    const char *colon = strchr(user, ':');
    c->user = strndup(user, colon ? (size_t)(colon - user) : strlen(user));
    c->password = strdup(colon ? colon + 1 : "");
    return c->user && c->password ? 0 : -ENOMEM;
}

/* Read a token, which is the first line of a file. */
static int read_bearer(struct credentials *c, const char *path)
{
    struct text t = { 0 };
    FILE *file = fopen(path, "re");
    if (!file)
        return fail_credentials(path, NULL, -errno);
    int r = text_read_file(&t, file);
    fclose(file);
    if (r == 0 && t.data)
        c->bearer = strndup(t.data, strcspn(t.data, "\r\n"));
    text_free(&t);
    if (r < 0)
        return fail_credentials(path, NULL, r);
    return c->bearer && *c->bearer ? 0 : fail_credentials(path, "contains no token", -EINVAL);
}

static int read_netrc(struct credentials *c, const char *path)
{
    int r = netrc_read(&c->netrc, path);
    return r < 0 ? fail_credentials(path, r == -EINVAL ? "is not a netrc file" : NULL, r) : 0;
}

/* Read ~/.netrc. */
static int read_default_netrc(struct credentials *c)
{
    char path[4096];
    const char *home = getenv("HOME");
    if (snprintf(path, sizeof path, "%s/.netrc", home ? home : "") >= (int)sizeof path)
        return -ENAMETOOLONG;
    return read_netrc(c, path);
}

int credentials_init(struct credentials *c, const struct options *o)
{
    int r = o->user ? set_user(c, o->user) : 0;
    if (r == 0 && o->bearer_file)
        r = read_bearer(c, o->bearer_file);
    if (r == 0 && o->netrc_file)
        r = read_netrc(c, o->netrc_file);
    else if (r == 0 && o->netrc)
        r = read_default_netrc(c);
    return r;
}

void credentials_free(struct credentials *c)
{
    free(c->user);
    free(c->password);
    free(c->bearer);
    netrc_free(&c->netrc);
    *c = (struct credentials){ 0 };
}

void credentials_apply(const struct credentials *c, const char *url, struct async_http_opts *opts)
{
    bool any = c->user || c->bearer || c->netrc.count;
    if (!any || url_has_user(url))
        return;
    if (c->user) {
        opts->user = c->user;
        opts->password = c->password;
        return;
    }
    if (c->bearer) {
        opts->bearer = c->bearer;
        return;
    }
    struct url_parts parts = url_split(url);
    const struct netrc_entry *e = netrc_find(&c->netrc, parts.host, parts.host_len);
    if (e && e->login) {
        opts->user = e->login;
        opts->password = e->password ? e->password : "";
    }
}
