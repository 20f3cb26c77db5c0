/* SPDX-License-Identifier: MIT */
/* source.h - a file of C as the rules of lint see it: tokens, functions, and what they have found so far. */
#ifndef LINT_SOURCE_H
#define LINT_SOURCE_H

#include "lint.h"

#include <stdint.h>
#include <string.h>

enum token_kind { TOKEN_WORD, TOKEN_NUMBER, TOKEN_STRING, TOKEN_MARK };

struct token {
    const char *text; /* in the file's text */
    uint32_t size;
    int line, column;
    uint32_t match; /* of a bracket: its counterpart */
    uint8_t kind;
};

/* "asyncio: allow RULE, RULE" in a comment: on its own line or lines; before a line, for that one; or in a file. */
struct allow {
    int line, column, from, to;
    uint32_t next;        /* the token that follows */
    uint32_t rules, used; /* a bit a rule */
    bool alone, file;
};

struct function {
    uint32_t name, open, close; /* tokens: its name, and the braces of its body */
    bool coroutine;             /* of ASYNC_DEF, ASYNC_GEN */
    bool thread;                /* of ASYNC_THREAD, ASYNC_PROCESS: it never runs in tasks */
    bool task;                  /* it runs in tasks */
};

struct source {
    struct token *tokens; /* the first and the last are marks without text, so 0 is no name */
    uint32_t count, room;
    struct allow *allows;
    size_t allow_count, allow_room;
    struct function *functions;
    size_t function_count, function_room;
    struct lint_report *report;
    size_t finding_room;
    bool no_memory;
};

bool lint_tokens(struct source *s, const char *text, size_t size); /* false: see report->error */
void lint_functions(struct source *s);

/* The rules, each over one function. */
void lint_blocks(struct source *s, const struct function *f);
void lint_blocking(struct source *s, const struct function *f);
void lint_locks(struct source *s, const struct function *f);
void lint_forgotten(struct source *s, const struct function *f);
void lint_cancel(struct source *s, const struct function *f);

void lint_found(struct source *s, enum lint_rule rule, uint32_t at, const char *fmt, ...)
        __attribute__((format(printf, 4, 5)));
void lint_found_at(struct source *s, enum lint_rule rule, int line, int column, const char *text);

/* One more element at the end of an array; NULL: no memory, and it is noted. */
void *lint_grow(struct source *s, void *array, size_t count, size_t *room, size_t size);

static inline bool is(const struct source *s, uint32_t i, const char *text)
{
    const struct token *t = &s->tokens[i];
    return t->kind != TOKEN_STRING && strlen(text) == t->size && memcmp(t->text, text, t->size) == 0;
}

static inline bool is_word(const struct source *s, uint32_t i)
{
    return s->tokens[i].kind == TOKEN_WORD;
}

static inline bool same(const struct source *s, uint32_t a, uint32_t b)
{
    return s->tokens[a].size == s->tokens[b].size &&
           memcmp(s->tokens[a].text, s->tokens[b].text, s->tokens[a].size) == 0;
}

static inline uint32_t match(const struct source *s, uint32_t i)
{
    return s->tokens[i].match;
}

bool is_one_of(const struct source *s, uint32_t i, const char *const *words); /* ended by NULL */
bool is_call(const struct source *s, uint32_t i);  /* a function's name where it is called */
bool is_await(const struct source *s, uint32_t i); /* await_x( that is no block */
bool is_block(const struct source *s, uint32_t i); /* await_x( that is one */
uint32_t statement_end(const struct source *s,
                       uint32_t i); /* of the statement that begins at i: its last token */
bool contains(const struct source *s, uint32_t from, uint32_t to, const char *word); /* from <= i < to */
bool is_coroutine(const struct source *s, uint32_t i); /* a coroutine's name, of this file or the library */

/* How a token is printed: %.*s */
#define SAID(s, i) (int)(s)->tokens[i].size, (s)->tokens[i].text

#endif
