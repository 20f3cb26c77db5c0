/* SPDX-License-Identifier: MIT */
/* tokens.c - the tokens of a file of C: without comments and directives, brackets matched. */
#include "source.h"

#include <ctype.h>
#include <stdio.h>

struct reader {
    struct source *s;
    const char *at, *end, *line_start;
    int line;
    bool fresh;     /* nothing but space on this line so far */
    int skip;       /* depth of branches that are not read; 0: this one is */
    int depth;      /* of #if */
    uint64_t taken; /* a bit a depth: one of its branches has been read */
};

static int column(const struct reader *r, const char *at)
{
    return (int)(at - r->line_start) + 1;
}

static void new_line(struct reader *r, const char *after)
{
    r->line++;
    r->line_start = after;
}

static bool ahead(const struct reader *r, const char *text)
{
    size_t n = strlen(text);
    return (size_t)(r->end - r->at) >= n && memcmp(r->at, text, n) == 0;
}

/* A backslash at the end of a line: its size, or 0. */
static size_t splice(const struct reader *r)
{
    return ahead(r, "\\\n") ? 2 : ahead(r, "\\\r\n") ? 3 : 0;
}

/* One character on, which may be the end of a line, or one that goes on in the next. */
static void step(struct reader *r)
{
    size_t n = splice(r);
    bool line = n || *r->at == '\n';
    r->at += n ? n : 1;
    if (line)
        new_line(r, r->at);
}

/* ---- comments that allow something ---- */

/* Does a line of the comment begin at p? */
static bool begins_line(const char *text, const char *p)
{
    while (p > text && strchr(" \t*/", p[-1]))
        p--;
    return p == text || p[-1] == '\n';
}

static void allow(struct reader *r, const char *text, const char *end, struct allow a)
{
    static const char key[] = "asyncio: allow";
    const char *p = memmem(text, (size_t)(end - text), key, sizeof key - 1);
    if (!p || !begins_line(text, p))
        return;
    p += sizeof key - 1;
    a.file = end - p > 5 && memcmp(p, "-file", 5) == 0;
    p += a.file ? 5 : 0;
    for (;;) {
        while (p < end && (*p == ' ' || *p == ','))
            p++;
        size_t n = 0;
        while (p + n < end && (islower((unsigned char)p[n]) || p[n] == '-'))
            n++;
        int rule = 0;
        while (rule < LINT_ALLOW &&
               (strlen(lint_rule_names[rule]) != n || memcmp(lint_rule_names[rule], p, n) != 0))
            rule++;
        if (rule == LINT_ALLOW)
            break;
        a.rules |= 1U << rule;
        p += n;
        if (p >= end || *p != ',')
            break;
    }
    struct source *s = r->s;
    struct allow *slot = lint_grow(s, s->allows, s->allow_count, &s->allow_room, sizeof a);
    if (!slot)
        return;
    s->allows = slot;
    s->allows[s->allow_count++] = a;
}

static void comment(struct reader *r)
{
    bool block = r->at[1] == '*';
    const char *text = r->at;
    struct allow a = { .line = r->line, .column = column(r, r->at), .alone = r->fresh, .next = r->s->count };
    r->at += 2;
    while (r->at < r->end && !(block ? ahead(r, "*/") : *r->at == '\n'))
        step(r);
    const char *end = r->at;
    if (block && r->at < r->end)
        r->at += 2;
    a.from = a.line;
    a.to = r->line;
    if (!r->skip)
        allow(r, text, end, a);
}

/* ---- directives ---- */

static void branch(struct reader *r, const char *word, size_t n, bool zero)
{
    bool opens = n >= 2 && memcmp(word, "if", 2) == 0;
    uint64_t bit = r->depth > 0 && r->depth <= 64 ? 1ULL << (r->depth - 1) : 0;
    if (opens) {
        r->depth++;
        if (r->skip) {
            r->skip++;
        } else if (r->depth <= 64) {
            r->taken &= ~(1ULL << (r->depth - 1));
            r->taken |= (uint64_t)!zero << (r->depth - 1);
            r->skip = zero;
        }
    } else if (n >= 2 && memcmp(word, "el", 2) == 0) {
        if (r->skip <= 1 && bit) {
            r->skip = (r->taken & bit) != 0;
            r->taken |= bit;
        }
    } else if (n == 5 && memcmp(word, "endif", 5) == 0 && r->depth > 0) {
        r->depth--;
        r->skip -= r->skip > 0;
    }
}

static void quoted(struct reader *r);

/* At a '#' that begins a line: as far as the line goes. */
static void directive(struct reader *r)
{
    r->at++;
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\t'))
        r->at++;
    const char *word = r->at;
    while (r->at < r->end && isalpha((unsigned char)*r->at))
        r->at++;
    size_t n = (size_t)(r->at - word);
    const char *p = r->at;
    while (p < r->end && (*p == ' ' || *p == '\t'))
        p++;
    bool zero = p < r->end && *p == '0' && (p + 1 == r->end || isspace((unsigned char)p[1]));
    branch(r, word, n, zero);
    bool prose = n == 5 && (memcmp(word, "error", 5) == 0 || memcmp(word, "endif", 5) == 0);
    while (r->at < r->end && *r->at != '\n') {
        if (ahead(r, "/*") || ahead(r, "//"))
            comment(r);
        else if (*r->at == '"' && !prose)
            quoted(r);
        else
            step(r);
    }
}

/* ---- tokens ---- */

static void add(struct reader *r, enum token_kind kind, const char *text, int line, int col)
{
    if (r->skip)
        return;
    struct source *s = r->s;
    size_t room = s->room;
    struct token *t = lint_grow(s, s->tokens, s->count, &room, sizeof *t);
    if (!t)
        return;
    s->tokens = t;
    s->room = (uint32_t)room;
    s->tokens[s->count++] =
            (struct token){ text, (uint32_t)(r->at - text), line, col, 0, (uint8_t)kind };
}

/* A string or a character, to its end or that of its line. */
static void quoted(struct reader *r)
{
    char quote = *r->at++;
    while (r->at < r->end && *r->at != quote && *r->at != '\n') {
        if (*r->at == '\\' && !splice(r) && r->at + 1 < r->end && r->at[1] != '\n')
            r->at++;
        step(r);
    }
    if (r->at < r->end && *r->at == quote)
        r->at++;
}

static bool in_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '$' || (c & 0x80);
}

static void token(struct reader *r)
{
    const char *text = r->at;
    int line = r->line, col = column(r, r->at);
    char c = *r->at;
    if (isdigit((unsigned char)c) ||
        (c == '.' && r->at + 1 < r->end && isdigit((unsigned char)r->at[1]))) {
        while (r->at < r->end && (in_word(*r->at) || *r->at == '.' ||
                                  (strchr("+-", *r->at) && strchr("eEpP", r->at[-1]))))
            r->at++;
        add(r, TOKEN_NUMBER, text, line, col);
    } else if (in_word(c)) {
        while (r->at < r->end && in_word(*r->at))
            r->at++;
        bool prefix = r->at < r->end && strchr("\"'", *r->at) && r->at - text <= 2 && strchr("LuU", c);
        if (!prefix)
            add(r, TOKEN_WORD, text, line, col);
    } else if (c == '"' || c == '\'') {
        quoted(r);
        add(r, TOKEN_STRING, text, line, col);
    } else {
        static const char pairs[] = "-> ++ -- << >> <= >= == != && || += -= *= /= %= &= |= ^= ::";
        const char two[] = { c, r->at + 1 < r->end ? r->at[1] : ' ', '\0' };
        r->at += two[1] != ' ' && strstr(pairs, two) ? 2 : 1;
        add(r, TOKEN_MARK, text, line, col);
    }
}

static bool error_at(struct source *s, uint32_t i, const char *what)
{
    const struct token *t = &s->tokens[i];
    snprintf(s->report->error, sizeof s->report->error, "this '%.*s' %s", SAID(s, i), what);
    s->report->error_line = t->line;
    s->report->error_column = t->column;
    return false;
}

static bool opens_with(const struct source *s, uint32_t open, uint32_t close)
{
    return is(s, open, "(")   ? is(s, close, ")")
           : is(s, open, "[") ? is(s, close, "]")
                              : is(s, close, "}");
}

/* The open brackets are a list through their match fields until they are closed. */
static bool match_brackets(struct source *s)
{
    uint32_t top = 0, depth = 0;
    for (uint32_t i = 0; i < s->count; i++) {
        if (is(s, i, "(") || is(s, i, "[") || is(s, i, "{")) {
            s->tokens[i].match = top;
            top = i;
            depth++;
        } else if (is(s, i, ")") || is(s, i, "]") || is(s, i, "}")) {
            if (depth == 0 || !opens_with(s, top, i))
                return error_at(s, i, "closes nothing");
            uint32_t outer = s->tokens[top].match;
            s->tokens[top].match = i;
            s->tokens[i].match = top;
            top = outer;
            depth--;
        }
    }
    return depth == 0 || error_at(s, top, "is never closed");
}

bool lint_tokens(struct source *s, const char *text, size_t size)
{
    struct reader r = { .s = s, .at = text, .end = text + size, .line_start = text, .line = 1, .fresh = true };
    add(&r, TOKEN_MARK, r.at, 0, 0);
    while (r.at < r.end) {
        if (ahead(&r, "/*") || ahead(&r, "//")) {
            comment(&r);
        } else if (*r.at == '#' && r.fresh) {
            directive(&r);
        } else if (isspace((unsigned char)*r.at) || splice(&r)) {
            r.fresh = r.fresh || *r.at == '\n';
            step(&r);
        } else {
            r.fresh = false;
            token(&r);
        }
    }
    add(&r, TOKEN_MARK, r.at, r.line, column(&r, r.at));
    if (s->no_memory)
        return true;
    if (r.skip) { /* #if 0 to the end: the last token has been skipped, too */
        r.skip = 0;
        add(&r, TOKEN_MARK, r.at, r.line, column(&r, r.at));
    }
    return s->no_memory || match_brackets(s);
}
