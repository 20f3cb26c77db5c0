/* SPDX-License-Identifier: MIT */
/* tokens.c - split a C file into tokens, without comments and directives, and match brackets. */
#include "source.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

struct reader {
    struct source *s;
    const char *at, *end, *line_start;
    int line;
    bool line_is_blank; /* only white space so far */
    int skip;           /* how many #if deep this text is being skipped; 0: it is read */
    int depth;          /* how many #if deep this text is */
    uint64_t taken;     /* a bit for each of 64 depths: one of its branches has been read */
};

void *grow_array(struct source *s, void *array, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return array;
    size_t more = *room ? 2 * *room : 64;
    void *larger = more < UINT32_MAX / 2 ? reallocarray(array, more, size) : NULL;
    if (!larger) {
        s->no_memory = true;
        return NULL;
    }
    *room = more;
    return larger;
}

bool token_is_one_of(const struct source *s, uint32_t i, const char *const *words)
{
    for (; *words; words++)
        if (token_is(s, i, *words))
            return true;
    return false;
}

bool token_starts_with(const struct source *s, uint32_t i, const char *prefix)
{
    size_t n = strlen(prefix);
    return token_is_word(s, i) && s->tokens[i].size > n &&
           memcmp(s->tokens[i].text, prefix, n) == 0;
}

bool range_contains(const struct source *s, uint32_t from, uint32_t to, const char *word)
{
    for (uint32_t i = from; i < to; i++)
        if (token_is(s, i, word))
            return true;
    return false;
}

/* ---- characters ---- */

static int reader_column(const struct reader *r)
{
    return (int)(r->at - r->line_start) + 1;
}

static bool reader_sees(const struct reader *r, const char *text)
{
    size_t n = strlen(text);
    return (size_t)(r->end - r->at) >= n && memcmp(r->at, text, n) == 0;
}

/* Return the size of a backslash with the end of line behind it; 0 if there is none. */
static size_t splice_size(const struct reader *r)
{
    return reader_sees(r, "\\\n") ? 2 : reader_sees(r, "\\\r\n") ? 3 : 0;
}

/* Move on by one character, or by one line splice. */
static void skip_character(struct reader *r)
{
    size_t n = splice_size(r);
    bool ends_line = n || *r->at == '\n';
    r->at += n ? n : 1;
    if (ends_line) {
        r->line++;
        r->line_start = r->at;
    }
}

/* ---- comments that allow a finding ---- */

/* Is the rest of the line before p only the decoration of a comment? */
static bool begins_comment_line(const char *text, const char *p)
{
    while (p > text && strchr(" \t*/", p[-1]))
        p--;
    return p == text || p[-1] == '\n';
}

size_t next_allowed_name(const char **list, const char *end, const char **ret)
{
    const char *p = *list;
    while (p < end && (*p == ' ' || *p == ','))
        p++;
    size_t n = 0;
    while (p + n < end && (islower((unsigned char)p[n]) || p[n] == '-'))
        n++;
    *ret = p;
    *list = p + n < end && p[n] == ',' ? p + n : end; /* without a comma, the list has ended */
    return n;
}

/* Record the comment from text to end if it is one that allows something. The key must begin a line
 * of the comment, so that prose may mention it. */
static void add_allow(struct reader *r, const char *text, const char *end, struct allow a)
{
    static const char key[] = "asyncio: allow";
    const char *p = memmem(text, (size_t)(end - text), key, sizeof key - 1);
    if (!p || !begins_comment_line(text, p))
        return;
    p += sizeof key - 1;
    a.file = end - p > 5 && memcmp(p, "-file", 5) == 0;
    a.names = p + (a.file ? 5 : 0);
    a.size = (uint32_t)(end - a.names);
    struct source *s = r->s;
    struct allow *grown = grow_array(s, s->allows, s->allow_count, &s->allow_room, sizeof a);
    if (!grown)
        return;
    s->allows = grown;
    s->allows[s->allow_count++] = a;
}

/* Skip a comment, and record it if it allows a finding. */
static void read_comment(struct reader *r)
{
    bool block = r->at[1] == '*';
    const char *text = r->at;
    struct allow a = { .line = r->line, .column = reader_column(r), .alone = r->line_is_blank };
    a.next = r->s->count;
    r->at += 2;
    while (r->at < r->end && !(block ? reader_sees(r, "*/") : *r->at == '\n'))
        skip_character(r);
    const char *end = r->at;
    if (block && r->at < r->end)
        r->at += 2;
    a.last_line = r->line;
    if (!r->skip)
        add_allow(r, text, end, a);
}

/* ---- directives ---- */

/* Follow an #if, #el... or #endif. Reading only one branch of each keeps brackets balanced. `zero`
 * is true if the condition is 0, so that code which is switched off is not examined. */
static void follow_branch(struct reader *r, const char *word, size_t n, bool zero)
{
    uint64_t bit = r->depth > 0 && r->depth <= 64 ? 1ULL << (r->depth - 1) : 0;
    if (n >= 2 && memcmp(word, "if", 2) == 0) {
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

/* Skip a string or a character constant; one that is not closed ends with its line. */
static void skip_quoted(struct reader *r)
{
    char quote = *r->at++;
    while (r->at < r->end && *r->at != quote && *r->at != '\n') {
        if (*r->at == '\\' && !splice_size(r) && r->at + 1 < r->end && r->at[1] != '\n')
            r->at++;
        skip_character(r);
    }
    if (r->at < r->end && *r->at == quote)
        r->at++;
}

static const char *skip_blanks(const struct reader *r, const char *p)
{
    while (p < r->end && (*p == ' ' || *p == '\t'))
        p++;
    return p;
}

/* Skip a directive, from its '#' to the end of its line. What follows #error and #endif is prose,
 * in which a quote need not be closed. */
static void read_directive(struct reader *r)
{
    const char *word = skip_blanks(r, r->at + 1), *end = word;
    while (end < r->end && isalpha((unsigned char)*end))
        end++;
    const char *p = skip_blanks(r, end);
    bool zero = p < r->end && *p == '0' && (p + 1 == r->end || isspace((unsigned char)p[1]));
    size_t n = (size_t)(end - word);
    bool prose = n == 5 && (memcmp(word, "error", 5) == 0 || memcmp(word, "endif", 5) == 0);
    follow_branch(r, word, n, zero);
    r->at = end;
    while (r->at < r->end && *r->at != '\n') {
        if (reader_sees(r, "/*") || reader_sees(r, "//"))
            read_comment(r);
        else if (*r->at == '"' && !prose)
            skip_quoted(r);
        else
            skip_character(r);
    }
}

/* ---- tokens ---- */

/* Add the token from text to where the reader is. */
static void add_token(struct reader *r, enum token_kind kind, const char *text, int line,
                      int column)
{
    struct source *s = r->s;
    if (r->skip)
        return;
    struct token *grown = grow_array(s, s->tokens, s->count, &s->room, sizeof *grown);
    if (!grown)
        return;
    s->tokens = grown;
    s->tokens[s->count++] =
            (struct token){ text, (uint32_t)(r->at - text), line, column, 0, (uint8_t)kind };
}

static bool is_word_character(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '$' || (c & 0x80);
}

static bool begins_number(const struct reader *r)
{
    return isdigit((unsigned char)*r->at) ||
           (*r->at == '.' && r->at + 1 < r->end && isdigit((unsigned char)r->at[1]));
}

static void skip_number(struct reader *r)
{
    while (r->at < r->end && (is_word_character(*r->at) || *r->at == '.' ||
                              (strchr("+-", *r->at) && strchr("eEpP", r->at[-1]))))
        r->at++;
}

static void skip_punctuation(struct reader *r)
{
    static const char pairs[] = "-> ++ -- << >> <= >= == != && || += -= *= /= %= &= |= ^= ::";
    const char two[] = { *r->at, r->at + 1 < r->end ? r->at[1] : ' ', '\0' };
    r->at += two[1] != ' ' && strstr(pairs, two) ? 2 : 1;
}

/* Read a number, a word, a string or an operator. */
static void read_token(struct reader *r)
{
    const char *text = r->at;
    int line = r->line, column = reader_column(r);
    if (begins_number(r)) {
        skip_number(r);
        add_token(r, TOKEN_NUMBER, text, line, column);
    } else if (is_word_character(*text)) {
        while (r->at < r->end && is_word_character(*r->at))
            r->at++;
        bool prefix = r->at < r->end && strchr("\"'", *r->at) && r->at - text <= 2 &&
                      strchr("LuU", *text); /* L"wide": the string is the token */
        if (!prefix)
            add_token(r, TOKEN_WORD, text, line, column);
    } else if (*text == '"' || *text == '\'') {
        skip_quoted(r);
        add_token(r, TOKEN_STRING, text, line, column);
    } else {
        skip_punctuation(r);
        add_token(r, TOKEN_PUNCTUATION, text, line, column);
    }
}

/* ---- brackets ---- */

static bool fail_at_token(struct source *s, uint32_t i, const char *what)
{
    const struct token *t = &s->tokens[i];
    snprintf(s->report->error, sizeof s->report->error, "this '%.*s' %s", TOKEN_ARG(s, i), what);
    s->report->error_line = t->line;
    s->report->error_column = t->column;
    return false;
}

static bool is_closed_by(const struct source *s, uint32_t open, uint32_t close)
{
    return token_is(s, open, "(")   ? token_is(s, close, ")")
           : token_is(s, open, "[") ? token_is(s, close, "]")
                                    : token_is(s, close, "}");
}

/* Until a bracket is closed, its match field links it to the open bracket around it. */
static bool match_brackets(struct source *s)
{
    uint32_t top = 0, depth = 0;
    for (uint32_t i = 0; i < s->count; i++) {
        if (token_opens(s, i)) {
            s->tokens[i].match = top;
            top = i;
            depth++;
        } else if (token_is(s, i, ")") || token_is(s, i, "]") || token_is(s, i, "}")) {
            if (depth == 0 || !is_closed_by(s, top, i))
                return fail_at_token(s, i, "closes nothing");
            uint32_t outer = s->tokens[top].match;
            s->tokens[top].match = i;
            s->tokens[i].match = top;
            top = outer;
            depth--;
        }
    }
    return depth == 0 || fail_at_token(s, top, "is never closed");
}

bool tokenize(struct source *s, const char *text, size_t size)
{
    struct reader r = { .s = s, .at = text, .end = text + size, .line_start = text, .line = 1 };
    r.line_is_blank = true;
    add_token(&r, TOKEN_PUNCTUATION, r.at, 0, 0);
    while (r.at < r.end) {
        if (reader_sees(&r, "/*") || reader_sees(&r, "//")) {
            read_comment(&r);
        } else if (*r.at == '#' && r.line_is_blank) {
            read_directive(&r);
        } else if (isspace((unsigned char)*r.at) || splice_size(&r)) {
            r.line_is_blank = r.line_is_blank || *r.at == '\n';
            skip_character(&r);
        } else {
            r.line_is_blank = false;
            read_token(&r);
        }
    }
    r.skip = 0; /* an #if 0 that is never closed must not swallow the last token */
    add_token(&r, TOKEN_PUNCTUATION, r.at, r.line, reader_column(&r));
    return s->no_memory || match_brackets(s);
}
