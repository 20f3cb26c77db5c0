/* SPDX-License-Identifier: MIT */
/* completion.c - print scripts for the completion of options. */
#include "completion.h"

#include "options.h"

#include <string.h>

static bool takes_path(const struct option_row *row)
{
    return row->arg && (strcmp(row->arg, "FILE") == 0 || strcmp(row->arg, "PATH") == 0);
}

static bool takes_directory(const struct option_row *row)
{
    return row->arg && strcmp(row->arg, "DIR") == 0;
}

/* Print "a|b|c" with blanks between the choices. */
static void print_choices(FILE *out, const char *choices)
{
    for (; *choices; choices++)
        fputc(*choices == '|' ? ' ' : *choices, out);
}

/* Print the beginning of a text up to the first punctuation mark, without what shells would
 * interpret. */
static void print_summary(FILE *out, const char *help)
{
    for (; *help && !strchr(";:.", *help); help++)
        if (!strchr("'\"[]()$`\\", *help))
            fputc(*help, out);
}

/* ---- bash ---- */

static void print_bash(FILE *out)
{
    fputs("# bash completion of asyncio fetch: source it, or save it as\n"
          "# ~/.local/share/bash-completion/completions/asyncio\n"
          "_asyncio_fetch() {\n"
          "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
          "    COMPREPLY=()\n"
          "    if [ \"$COMP_CWORD\" = 1 ]; then\n"
          "        COMPREPLY=($(compgen -W 'fetch lint demo help' -- \"$word\"))\n"
          "        return\n"
          "    fi\n"
          "    [ \"${COMP_WORDS[1]}\" = fetch ] || return\n"
          "    case $before in\n",
          out);
    for (size_t i = 0; i < option_count; i++) {
        const struct option_row *row = &option_table[i];
        if (!row->arg)
            continue;
        fprintf(out, "        --%s", row->name);
        if (row->letter)
            fprintf(out, "|-%c", row->letter);
        fputs(") COMPREPLY=(", out);
        if (row->kind == OPTION_CHOICE) {
            fputs("$(compgen -W '", out);
            print_choices(out, row->arg);
            fputs("' -- \"$word\")", out);
        } else if (takes_path(row) || takes_directory(row)) {
            fprintf(out, "$(compgen -%c -- \"$word\")", takes_path(row) ? 'f' : 'd');
        }
        fputs("); return ;;\n", out);
    }
    fputs("    esac\n    case $word in -*) COMPREPLY=($(compgen -W '", out);
    for (size_t i = 0; i < option_count; i++)
        fprintf(out, "%s--%s", i ? " " : "", option_table[i].name);
    fputs("' -- \"$word\")) ;; esac\n}\ncomplete -F _asyncio_fetch asyncio\n", out);
}

/* ---- zsh ---- */

/* Print one argument of _arguments: --name[summary]:argument:action */
static void print_zsh_option(FILE *out, const struct option_row *row, const char *dashes,
                             const char *name)
{
    bool repeats = row->kind == OPTION_HEADER || row->kind == OPTION_RESOLVE;
    fprintf(out, " \\\n        '%s%s%s[", repeats ? "*" : "", dashes, name);
    print_summary(out, row->help);
    fputc(']', out);
    if (row->arg) {
        fputc(':', out);
        print_summary(out, row->kind == OPTION_CHOICE ? "WHICH" : row->arg);
        fputc(':', out);
    }
    if (row->kind == OPTION_CHOICE) {
        fputc('(', out);
        print_choices(out, row->arg);
        fputc(')', out);
    } else if (takes_path(row) || takes_directory(row)) {
        fputs(takes_path(row) ? "_files" : "_files -/", out);
    }
    fputc('\'', out);
}

static void print_zsh(FILE *out)
{
    fputs("#compdef asyncio\n"
          "# zsh completion of asyncio fetch: save it as _asyncio in a folder of $fpath\n"
          "_asyncio() {\n"
          "    if (( CURRENT == 2 )); then\n"
          "        compadd fetch lint demo help\n"
          "        return\n"
          "    fi\n"
          "    [[ $words[2] = fetch ]] || return\n"
          "    shift words\n"
          "    (( CURRENT-- ))\n"
          "    _arguments",
          out);
    for (size_t i = 0; i < option_count; i++) {
        const struct option_row *row = &option_table[i];
        char letter[] = { row->letter, 0 };
        print_zsh_option(out, row, "--", row->name);
        if (row->letter)
            print_zsh_option(out, row, "-", letter);
    }
    fputs(" \\\n        '*:URL:_urls'\n}\n_asyncio \"$@\"\n", out);
}

/* ---- fish ---- */

static void print_fish(FILE *out)
{
    fputs("# fish completion of asyncio fetch: save it as ~/.config/fish/completions/asyncio.fish\n"
          "complete -c asyncio -n __fish_use_subcommand -f -a 'fetch lint demo help'\n",
          out);
    for (size_t i = 0; i < option_count; i++) {
        const struct option_row *row = &option_table[i];
        fprintf(out, "complete -c asyncio -n '__fish_seen_subcommand_from fetch' -l %s", row->name);
        if (row->letter)
            fprintf(out, " -s %c", row->letter);
        if (row->arg)
            fputs(takes_path(row) || takes_directory(row) ? " -r" : " -x", out);
        if (row->kind == OPTION_CHOICE) {
            fputs(" -a '", out);
            print_choices(out, row->arg);
            fputc('\'', out);
        }
        fputs(" -d '", out);
        print_summary(out, row->help);
        fputs("'\n", out);
    }
}

void completion_print(enum completion_shell shell, FILE *out)
{
    if (shell == COMPLETION_BASH)
        print_bash(out);
    else if (shell == COMPLETION_ZSH)
        print_zsh(out);
    else if (shell == COMPLETION_FISH)
        print_fish(out);
}
