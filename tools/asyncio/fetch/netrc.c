/* SPDX-License-Identifier: MIT */
/* netrc.c - read a file of user names and passwords. */
#include "netrc.h"

#include "common/text.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Return the next word and end it by a NUL, or NULL at the end. A word in quotes may contain white
 * space, and a backslash protects the character behind it. */
static char *next_word(char **at)
{
    char *s = *at + strspn(*at, " \t\r\n"), *word, *to;
    if (!*s)
        return NULL;
    bool quoted = *s == '"';
    s += quoted;
    word = to = s;
    for (; *s && (quoted ? *s != '"' : !strchr(" \t\r\n", *s)); s++) {
        if (quoted && *s == '\\' && s[1])
            s++;
        *to++ = *s;
    }
    *at = *s ? s + 1 : s;
    *to = 0;
    return word;
}

static int add_entry(struct netrc *n, const char *host)
{
    struct netrc_entry *grown = reallocarray(n->list, n->count + 1, sizeof *grown);
    if (!grown)
        return -ENOMEM;
    n->list = grown;
    struct netrc_entry *e = &n->list[n->count++];
    *e = (struct netrc_entry){ .host = host ? strdup(host) : NULL };
    return host && !e->host ? -ENOMEM : 0;
}

/* Set a member of the entry that was begun last. */
static int set_word(struct netrc *n, bool password, const char *value)
{
    if (!n->count || !value)
        return -EINVAL;
    struct netrc_entry *e = &n->list[n->count - 1];
    char **to = password ? &e->password : &e->login;
    free(*to);
    *to = strdup(value);
    return *to ? 0 : -ENOMEM;
}

/* Skip a macro, which ends at an empty line. */
static void skip_macro(char **at)
{
    char *end = strstr(*at, "\n\n");
    *at = end ? end + 2 : *at + strlen(*at);
}

static int parse_netrc(struct netrc *n, char *at)
{
    int r = 0;
    for (char *word; r == 0 && (word = next_word(&at));) {
        if (*word == '#') {
            at += strcspn(at, "\n");
        } else if (strcmp(word, "machine") == 0) {
            char *host = next_word(&at);
            r = host ? add_entry(n, host) : -EINVAL;
        } else if (strcmp(word, "default") == 0) {
            r = add_entry(n, NULL);
        } else if (strcmp(word, "login") == 0 || strcmp(word, "password") == 0) {
            r = set_word(n, *word == 'p', next_word(&at));
        } else if (strcmp(word, "account") == 0) {
            next_word(&at);
        } else if (strcmp(word, "macdef") == 0) {
            skip_macro(&at);
        } else {
            r = -EINVAL;
        }
    }
    return r;
}

int netrc_read(struct netrc *n, const char *path)
{
    struct text t = { 0 };
    FILE *file = fopen(path, "re");
    if (!file)
        return -errno;
    int r = text_read_file(&t, file);
    fclose(file);
    if (r == 0 && t.data)
        r = parse_netrc(n, t.data);
    text_free(&t);
    return r;
}

void netrc_free(struct netrc *n)
{
    for (size_t i = 0; i < n->count; i++) {
        free(n->list[i].host);
        free(n->list[i].login);
        free(n->list[i].password);
    }
    free(n->list);
    *n = (struct netrc){ 0 };
}

const struct netrc_entry *netrc_find(const struct netrc *rc, const char *host, size_t n)
{
    for (size_t i = 0; i < rc->count; i++) {
        const char *known = rc->list[i].host;
        if (!known || (strlen(known) == n && strncasecmp(known, host, n) == 0))
            return &rc->list[i];
    }
    return NULL;
}
