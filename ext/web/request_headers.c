/* SPDX-License-Identifier: MIT */
/* request_headers.c - requests are smuggled past a proxy where the proxy and the server disagree on
 * where a body or a head ends. So what could be read in two ways is refused. MHD itself prefers
 * Transfer-Encoding to Content-Length and uses the first of several.
 *
 * MHD 0.9 hides parts of what the client has sent. Its strings end at a NUL byte that the client
 * has sent; a line that begins with ':' ends the headers, and what follows is taken for another
 * request; a folded line (obsolete in HTTP) is joined to the name instead of the value; spaces
 * before a colon are a part of the name; a line feed alone ends a line. But MHD parses the head
 * where it was received, so the strings of a proper head follow each other at a distance of two
 * bytes, CR and LF. This is checked, from the method to the end of the last line.
 *
 * Two things cannot be checked, because nothing in MHD's interface shows the bytes. MHD overwrites
 * the end of each line with zeros, so a NUL byte and a line feed look like CR and LF. And it parses
 * chunks and trailers as leniently as the head, but passes on their contents only. So whatever
 * follows a chunked body is not read. */
#include "request_headers.h"

#include "token.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

struct headers {
    const char *end;                  /* of the previous string in MHD's memory */
    unsigned hosts, lengths, codings; /* how many there are */
    uint64_t length;
    bool invalid, chunked, expects_continue;
};

/* --- where the strings are --- */

/* Newer versions refuse all of this, and may keep the strings in other places. */
static bool parses_in_place(void)
{
    static int version_0 = -1; /* -1: not read yet */
    if (version_0 < 0)
        version_0 = MHD_get_version()[0] == '0';
    return version_0;
}

/* How many bytes are between the end of a string and the next one? 0 if there is no proper gap. */
static size_t gap_between(const char *end, const char *next)
{
    uintptr_t n = (uintptr_t)next - (uintptr_t)end;
    return n < 1024 ? n : 0;
}

/* Does a header begin on the line after the previous string, behind two bytes for CR and LF? The
 * bytes themselves have been overwritten, as has been the colon; what follows the colon has not. */
static bool follows_previous(const struct headers *h, const char *name, size_t size,
                             const char *value)
{
    size_t before = gap_between(h->end, name), between = gap_between(name + size, value);
    return before == 2 && between > 0 && strspn(name + size + 1, " \t") + 1 == between;
}

static bool is_line_in_place(const struct web_request_line *line)
{
    return gap_between(line->method + strlen(line->method), line->target) == 1 &&
           gap_between(line->target_end, line->version) == 1;
}

/* Behind the last header there must be CR, LF, and an empty line of CR and LF. */
static bool is_end_in_place(struct MHD_Connection *mhd, const struct web_request_line *line,
                            const struct headers *h)
{
    const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    if (!info)
        return false;
    return gap_between(h->end, line->method + info->header_size) == 4 &&
           memcmp(h->end, "\0\0\0\0", 4) == 0;
}

/* --- what is in them --- */

/* A carriage return alone ends a line for some readers. Of the other control characters only the
 * tab has a meaning. */
static bool is_field_value(const char *text)
{
    for (; *text; text++)
        if (((unsigned char)*text < ' ' && *text != '\t') || *text == 0x7f)
            return false;
    return true;
}

/* Skip the characters of a name, of an IPv4 address, or of what is inside of brackets. A comma is
 * allowed in names by RFC 3986, but a proxy could take it for the end of the first of two hosts. */
static const char *skip_name(const char *text, const char *special)
{
    while (*text && (web_is_letter_or_digit(*text) || strchr(special, *text)))
        text++;
    return text;
}

/* A name or an address, and possibly ':' and a port, as RFC 9110 defines the value of Host. It may
 * be empty. */
static bool is_host(const char *text)
{
    if (*text == '[') {
        const char *end = skip_name(text + 1, ":.");
        if (*end != ']' || end == text + 1)
            return false;
        text = end + 1;
    } else {
        text = skip_name(text, "-._~%!$&'()*+;=");
    }
    if (*text == ':')
        text += 1 + strspn(text + 1, "0123456789");
    return *text == '\0';
}

static bool parse_length(const char *value, uint64_t *ret)
{
    uint64_t n = 0;
    if (!*value)
        return false;
    for (; *value; value++)
        if (*value < '0' || *value > '9' || __builtin_mul_overflow(n, 10, &n) ||
            __builtin_add_overflow(n, (uint64_t)(*value - '0'), &n))
            return false;
    *ret = n;
    return true;
}

/* Evaluate the headers that matter here. Most headers have a length that none of them has. */
static void read_header(struct headers *h, const char *name, size_t size, const char *value)
{
    switch (size) {
    case 4:
        if (strcasecmp(name, "Host") == 0)
            h->invalid |= h->hosts++ > 0 || !is_host(value);
        break;
    case 6:
        h->expects_continue |= strcasecmp(name, "Expect") == 0;
        break;
    case 14:
        if (strcasecmp(name, "Content-Length") == 0)
            h->invalid |= h->lengths++ > 0 || !parse_length(value, &h->length);
        break;
    case 17:
        if (strcasecmp(name, "Transfer-Encoding") == 0) {
            h->chunked = strcasecmp(value, "chunked") == 0;
            h->invalid |= h->codings++ > 0 || !h->chunked;
        }
        break;
    default:
        break;
    }
}

/* Called by MHD for each header, in their order. */
static enum MHD_Result check_header(void *arg, enum MHD_ValueKind kind, const char *name,
                                    const char *value)
{
    struct headers *h = arg;
    size_t size = strlen(name);
    (void)kind;
    if (!value || !web_is_token(name) || !is_field_value(value) ||
        (parses_in_place() && !follows_previous(h, name, size, value))) {
        h->invalid = true;
        return MHD_NO;
    }
    h->end = value + strlen(value);
    read_header(h, name, size, value);
    return MHD_YES;
}

int web_request_length_refusal(struct MHD_Connection *mhd)
{
    uint64_t n;
    const char *value = MHD_lookup_connection_value(mhd, MHD_HEADER_KIND, "Content-Length");
    if (!value || parse_length(value, &n))
        return 0;
    return *value && value[strspn(value, "0123456789")] == '\0' ? 413 : 400;
}

bool web_request_headers_check(struct MHD_Connection *mhd, const struct web_request_line *line,
                               struct web_framing *ret)
{
    struct headers h = { .end = line->version + strlen(line->version) };
    MHD_get_connection_values(mhd, MHD_HEADER_KIND, check_header, &h);
    *ret = (struct web_framing){ h.length, h.expects_continue, h.chunked && parses_in_place() };
    if (h.invalid || !web_is_token(line->method))
        return false;
    if (parses_in_place() && (!is_line_in_place(line) || !is_end_in_place(mhd, line, &h)))
        return false;
    bool http_1_0 = strcmp(line->version, "HTTP/1.0") == 0;
    return (h.hosts == 1 || (h.hosts == 0 && http_1_0)) &&
           (h.codings == 0 || (h.lengths == 0 && !http_1_0));
}
