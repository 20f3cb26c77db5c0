/* SPDX-License-Identifier: MIT */
/* config_file.h - --config: options from a file, one on each line.
 *
 *     # a comment
 *     jobs = 100
 *     header = Accept: text/html
 *     keep-order
 *
 * The name is that of the long option, with or without the dashes. Everything behind the '=' is its
 * argument, without quotes. */
#ifndef FETCH_CONFIG_FILE_H
#define FETCH_CONFIG_FILE_H

#include <stddef.h>

/* Split a line into a name and an argument, in place.
 *
 * ret_arg    receives the argument, or NULL if there is no '='.
 * Returns    the name, or NULL if the line is empty or a comment. */
char *config_line(char *line, char **ret_arg);

#endif
