/* SPDX-License-Identifier: MIT */
/* A preloaded library that replaces one function of libc. */
int getpagesize(void);
int getpagesize(void)
{
    return 12345;
}
