/* SPDX-License-Identifier: MIT */
/* A library that is loaded when the program has workers already. */
int triple(const void *in, void *out);
int triple(const void *in, void *out)
{
    *(int *)out = 3 * *(const int *)in + EXTRA;
    return 0;
}
