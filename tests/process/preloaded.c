/* SPDX-License-Identifier: MIT */
/* A library that is preloaded, and takes libc's place in one thing. */
int getpagesize(void);
int getpagesize(void)
{
    return 12345;
}
