/* SPDX-License-Identifier: MIT */
/* completion.h - scripts with which shells complete the options of `asyncio fetch`. */
#ifndef FETCH_COMPLETION_H
#define FETCH_COMPLETION_H

#include <stdio.h>

enum completion_shell { COMPLETION_NONE, COMPLETION_BASH, COMPLETION_ZSH, COMPLETION_FISH };

/* Print the script for a shell, made from the table of options. */
void completion_print(enum completion_shell shell, FILE *out);

#endif
