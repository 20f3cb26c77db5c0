/* SPDX-License-Identifier: MIT */
/* table.h - what the demonstration prints on standard output, with colours on a terminal. */
#ifndef DEMO_TABLE_H
#define DEMO_TABLE_H

/* Print what is measured, and the heads of the columns. */
void table_begin(const char *url, double delay, int users);

/* Print one row.
 *
 * seconds     how long it took, or would have taken for all users.
 * limit       how many requests there may be at the same time.
 * concurrent  how many there were. */
void table_row(const char *name, double seconds, double delay, int users, int limit,
               int concurrent);

/* Print the notes below the table. The first row was measured with a sample of the users. */
void table_end(int sample, int users);

/* Print that all responses were right. */
void table_success(int responses);

/* Store a number such as 7142 as "7,142", and return buf. */
char *format_thousands(char buf[32], long n);

#endif
