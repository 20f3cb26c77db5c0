/* SPDX-License-Identifier: MIT */
/* web_form.c - fuzz multipart forms in the web server. The first line of the input is the
 * Content-Type, the rest is the body.
 *
 * Each part lies in the body, ends with a NUL, and has a file name without folders. Written as a
 * form again and parsed again, the parts are the same. */
#include "fuzz.h"

#include "ext/web/form.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check_part(const async_web_part *part, const char *body, size_t size)
{
    fuzz_check(part->name, "a part without a name");
    fuzz_check(part->bytes >= body && part->size <= size && part->bytes + part->size < body + size,
               "%s lies outside of the body", part->name);
    fuzz_check(part->bytes[part->size] == '\0', "%s does not end with a NUL", part->name);
    const char *file = part->file_name;
    fuzz_check(file || strlen(part->bytes) == part->size, "%s has a NUL", part->name);
    fuzz_check(!file ||
                       (!strpbrk(file, "/\\") && strcmp(file, ".") != 0 && strcmp(file, "..") != 0),
               "file name %s", file);
}

/* --- the form again --- */

static void put_quoted(FILE *f, const char *name, const char *value)
{
    fprintf(f, "; %s=\"", name);
    for (; *value; value++)
        fprintf(f, *value == '"' || *value == '\\' ? "\\%c" : "%c", *value);
    fputc('"', f);
}

#define BOUNDARY "x4Zq9#7"

/* libFuzzer finds out about the boundary, and then there are inputs with it. */
static bool has_boundary(const struct web_form *form)
{
    for (size_t i = 0; i < form->part_count; i++)
        if (memmem(form->parts[i].bytes, form->parts[i].size, BOUNDARY, strlen(BOUNDARY)))
            return true;
    return false;
}

/* Write the parts with another boundary. Returns the body, for free(). */
static char *write_form(const struct web_form *form, size_t *ret_size)
{
    char *body = NULL;
    FILE *f = open_memstream(&body, ret_size);
    fuzz_check(f, "no memory");
    for (size_t i = 0; i < form->part_count; i++) {
        const async_web_part *part = &form->parts[i];
        fprintf(f, "--" BOUNDARY "\r\nContent-Disposition: form-data");
        put_quoted(f, "name", part->name);
        if (part->file_name)
            put_quoted(f, "filename", part->file_name);
        if (part->type)
            fprintf(f, "\r\nContent-Type: %s", part->type);
        fprintf(f, "\r\n\r\n");
        fwrite(part->bytes, 1, part->size, f);
        fprintf(f, "\r\n");
    }
    fprintf(f, "--" BOUNDARY "--\r\n");
    fclose(f);
    return body;
}

static bool is_same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static void check_same_part(const async_web_part *a, const async_web_part *b)
{
    fuzz_check(is_same_text(a->name, b->name), "%s became %s", a->name, b->name);
    fuzz_check(is_same_text(a->file_name, b->file_name), "%s became %s", a->file_name,
               b->file_name);
    fuzz_check(is_same_text(a->type, b->type), "%s became %s", a->type, b->type);
    fuzz_check(a->size == b->size && memcmp(a->bytes, b->bytes, a->size) == 0, "%s has other bytes",
               a->name);
}

static void check_written_again(const struct web_form *form)
{
    struct web_form again = { 0 };
    struct web_arena arena;
    size_t size;
    char *body = write_form(form, &size);
    web_arena_init(&arena);
    int r = web_multipart_parse(&again, &arena, "multipart/form-data; boundary=\"" BOUNDARY "\"",
                                body, size);
    fuzz_check(r == 0 && again.part_count == form->part_count, "%d, %zu parts of %zu:\n%.*s", r,
               again.part_count, form->part_count, (int)size, body);
    for (size_t i = 0; i < form->part_count; i++)
        check_same_part(&form->parts[i], &again.parts[i]);
    web_arena_free(&arena);
    free(body);
}

/* Defined by the address sanitizer. */
extern size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static size_t measure_memory(void)
{
    return __sanitizer_get_current_allocated_bytes ? __sanitizer_get_current_allocated_bytes() : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *end = memchr(data, '\n', size);
    size_t n = end ? (size_t)(end - (const char *)data) : size, skip = end ? n + 1 : size;
    char *type = fuzz_text(data, n), *body = fuzz_text(data + skip, size - skip);
    struct web_form form = { 0 };
    struct web_arena arena;
    web_arena_init(&arena);
    size_t before = measure_memory();
    int r = web_multipart_parse(&form, &arena, type, body, size - skip);
    fuzz_check(r == 0 || r == -EINVAL, "%d", r);
    size_t used = measure_memory() - before;
    fuzz_check(used <= 32 * size + 16384, "%zu bytes of memory for %zu", used, size);
    for (size_t i = 0; r == 0 && i < form.part_count; i++)
        check_part(&form.parts[i], body, size - skip);
    if (r == 0 && !has_boundary(&form))
        check_written_again(&form);
    web_arena_free(&arena);
    free(type);
    free(body);
    return 0;
}
