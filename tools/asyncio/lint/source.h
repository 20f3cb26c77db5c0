/* SPDX-License-Identifier: MIT */
/* source.h - a C source file as the rules see it, and what rules can find out about it.
 *
 * The files build on each other in this order, and none calls a later one:
 *
 *   tokens.c      tokens, matched brackets, allow comments
 *   statements.c  calls, await_ blocks, where statements end, what surrounds a token
 *   loops.c       the condition of a loop, and whether it can end
 *   variables.c   which declaration a name refers to
 *   functions.c   the functions of the file, and which of them run in tasks
 *   spawns.c      calls that start a task, and what they pass to its coroutine
 *   report.c      findings, and the comments that allow them
 *   check.c       the table of rules, which are one file each */
#ifndef LINT_SOURCE_H
#define LINT_SOURCE_H

#include "lint.h"

#include <stdint.h>
#include <string.h>

enum token_kind { TOKEN_WORD, TOKEN_NUMBER, TOKEN_STRING, TOKEN_PUNCTUATION };

struct token {
    const char *text; /* points into the text of the file */
    uint32_t size;
    int line, column;
    uint32_t match; /* for a bracket, the index of its counterpart */
    uint8_t kind;
};

/* A comment "asyncio: allow RULE, RULE". It applies to its own lines; if it is alone in its line,
 * also to the line of the next token; with "allow-file", to the whole file. */
struct allow {
    int line, column;    /* where the comment begins */
    int last_line;       /* where it ends */
    uint32_t next;       /* the token that follows it */
    const char *names;   /* the list of rules, in the text of the file */
    uint32_t size, used; /* length of the list; one bit for each name that allowed a finding */
    bool alone, file;
};

struct function {
    uint32_t name, open, close; /* tokens: its name, and the braces around its body */
    bool coroutine;             /* defined by ASYNC_DEF or ASYNC_GEN */
    bool thread;                /* defined by ASYNC_THREAD or ASYNC_PROCESS: never runs in a task */
    bool task;                  /* runs in tasks */
};

struct source {
    struct token *tokens; /* the first and the last have no text, so that index 0 means "none" */
    uint32_t count;
    size_t room;
    struct allow *allows;
    size_t allow_count, allow_room;
    struct function *functions;
    size_t function_count, function_room;
    const char *rule; /* the name of the rule that is running */
    struct lint_report *report;
    size_t finding_room;
    bool no_memory;
};

/* ---- tokens.c ---- */

/* Split a text into the tokens of s. Returns false if it is not C, and s->report->error is the
 * reason. */
bool tokenize(struct source *s, const char *text, size_t size);

/* Make room for one more element at the end of an array. Returns the array, which may have moved;
 * NULL if there is no memory, which is also recorded in s. */
void *grow_array(struct source *s, void *array, size_t count, size_t *room, size_t size);

/* Cut the next name off the list of an allow comment. Returns its length, 0 at the end. */
size_t next_allowed_name(const char **list, const char *end, const char **ret);

static inline bool token_is(const struct source *s, uint32_t i, const char *text)
{
    const struct token *t = &s->tokens[i];
    return t->kind != TOKEN_STRING && strlen(text) == t->size &&
           memcmp(t->text, text, t->size) == 0;
}

static inline bool token_is_word(const struct source *s, uint32_t i)
{
    return s->tokens[i].kind == TOKEN_WORD;
}

/* Are the two tokens spelled alike? */
static inline bool tokens_equal(const struct source *s, uint32_t a, uint32_t b)
{
    return s->tokens[a].size == s->tokens[b].size &&
           memcmp(s->tokens[a].text, s->tokens[b].text, s->tokens[a].size) == 0;
}

/* Return the counterpart of the bracket at i. */
static inline uint32_t token_match(const struct source *s, uint32_t i)
{
    return s->tokens[i].match;
}

static inline bool token_opens(const struct source *s, uint32_t i)
{
    return token_is(s, i, "(") || token_is(s, i, "[") || token_is(s, i, "{");
}

/* Is the token one of these words? The list ends with NULL. */
bool token_is_one_of(const struct source *s, uint32_t i, const char *const *words);
bool token_starts_with(const struct source *s, uint32_t i, const char *prefix);

/* Does the word occur among the tokens from <= i < to? */
bool range_contains(const struct source *s, uint32_t from, uint32_t to, const char *word);

/* The arguments that print a token by "%.*s". */
#define TOKEN_ARG(s, i) (int)(s)->tokens[i].size, (s)->tokens[i].text

/* ---- statements.c ---- */

bool is_call(const struct source *s, uint32_t i);        /* a function's name where it is called */
bool is_keyword(const struct source *s, uint32_t i);     /* if, sizeof: looks like a call */
bool is_await_block(const struct source *s, uint32_t i); /* await_group ( and its like */
bool is_await_call(const struct source *s, uint32_t i);  /* await_x( that is not a block */
bool is_cast(const struct source *s, uint32_t open);     /* (int), (const char *) */
uint32_t skip_casts_back(const struct source *s, uint32_t i); /* the first of the casts before i */

/* Return the last token of the statement that begins at i. */
uint32_t statement_end(const struct source *s, uint32_t i);

/* Return the opening brace of the innermost braces around token i. */
uint32_t braces_around(const struct source *s, uint32_t i);

/* Does a token before i end a statement or open a block, so that a statement begins at i? */
bool begins_statement(const struct source *s, uint32_t i);

/* The statements that can surround a token. */
enum {
    INSIDE_LOOP = 1,     /* for, while, do */
    INSIDE_SWITCH = 2,   /* switch */
    INSIDE_BLOCK = 4,    /* an await_ block other than await_for_each */
    INSIDE_FOR_EACH = 8, /* await_for_each, which is a loop */
    INSIDE_MACRO = 16,   /* a macro with a body, such as json_object_foreach (...) { } */
};
struct enclosing {
    uint32_t at, body, end; /* its first token, the first of its body, its last token */
    int kind;
};

/* Find the innermost statement of these kinds, begun at token `from` or later, whose body contains
 * token i. Returns false if there is none. */
bool find_enclosing(const struct source *s, uint32_t from, uint32_t i, int kinds,
                    struct enclosing *ret);

/* ---- loops.c ---- */

struct loop {
    uint32_t at;        /* the token for, while or do */
    uint32_t from, to;  /* the condition: from <= i < to */
    uint32_t body, end; /* the first and the last token of the body */
    bool counted;       /* ends by itself, as for (i = 0; i < n; i++) does */
    bool endless;       /* never ends by its condition */
};

/* Read the loop that begins at i. Returns false if none begins there. */
bool read_loop(const struct source *s, const struct function *f, uint32_t i, struct loop *ret);

/* Does a break at i end this loop, rather than something inside it? */
bool break_ends_loop(const struct source *s, const struct loop *l, uint32_t i);

/* Can the loop be left by other means than its condition? */
bool loop_has_exit(const struct source *s, const struct loop *l);

/* ---- variables.c ---- */

struct variable {
    uint32_t name;                  /* the token that declares it */
    uint32_t scope;                 /* the last token of the scope in which it lives */
    bool array, is_static, cleaned; /* cleaned: freed by an attribute at the end of its scope */
    bool loop;                      /* declared in the head of a loop */
};

/* Find the parameter or local variable of f that the word at token i refers to. Returns false if
 * the word is not one, so it may be global. */
bool find_variable(const struct source *s, const struct function *f, uint32_t i,
                   struct variable *ret);

/* Does the word at i mention a variable, rather than a member or a label with the same name? */
bool is_variable_use(const struct source *s, uint32_t i, uint32_t name);

/* ---- functions.c ---- */

void find_functions(struct source *s);

/* Is the word at i the name of a coroutine, of this file or of the library? */
bool is_coroutine(const struct source *s, uint32_t i);

bool is_function_of_file(const struct source *s, uint32_t i);

bool function_awaits(const struct source *s, const struct function *f);

/* ---- spawns.c ---- */

/* A call that starts a task, such as async_spawn(g, job(p), .name = "x"), or an assignment that
 * stores a coroutine for one that does: cos[i] = job(p). */
struct spawn {
    uint32_t at, end;          /* its first token and its last */
    uint32_t group, group_end; /* the tokens of the group: group <= i < group_end; 0 if none */
    uint32_t coroutine;        /* the name of the coroutine; its arguments follow in parentheses */
    bool owned;                /* the option .owned or .drop is given */
};
bool read_spawn(const struct source *s, uint32_t i, struct spawn *ret);

/* Iterate over the arguments of the coroutine: from <= i < to. Start with to = 0. */
bool next_argument(const struct source *s, const struct spawn *p, uint32_t *from, uint32_t *to);

/* Is the argument the address of something in the stack frame of f? Then ret describes it. For a
 * compound literal, ret->name is 0. */
bool is_local_address(const struct source *s, const struct function *f, uint32_t from, uint32_t to,
                      struct variable *ret);

/* Can f wait for a task between these tokens, so that the task may have ended behind them? */
bool may_wait_for_task(const struct source *s, uint32_t from, uint32_t to);

/* ---- report.c ---- */

/* Report a finding of the running rule at a token, unless a comment allows it. */
void report_finding(struct source *s, uint32_t at, const char *fmt, ...)
        __attribute__((format(printf, 3, 4)));

/* Report a finding that no comment can allow. */
void report_always(struct source *s, int line, int column, const char *fmt, ...)
        __attribute__((format(printf, 4, 5)));

void sort_findings(struct lint_report *r);

/* ---- the rules, a file each: examine one function ---- */

void check_return_in_block(struct source *s, const struct function *f);
void check_blocking(struct source *s, const struct function *f);
void check_lock_over_await(struct source *s, const struct function *f);
void check_never_awaited(struct source *s, const struct function *f);
void check_swallowed_cancel(struct source *s, const struct function *f);
void check_unread_result(struct source *s, const struct function *f);
void check_break_in_block(struct source *s, const struct function *f);
void check_short_lived_argument(struct source *s, const struct function *f);
void check_local_in_background(struct source *s, const struct function *f);
void check_leaked_argument(struct source *s, const struct function *f);
void check_stale_errno(struct source *s, const struct function *f);
void check_positive_error(struct source *s, const struct function *f);
void check_try_return_type(struct source *s, const struct function *f);

#endif
