/* SPDX-License-Identifier: MIT */
/* journal_read.h - read a journal when it is opened. */
#ifndef FETCH_JOURNAL_READ_H
#define FETCH_JOURNAL_READ_H

#include "journal.h"

enum { JOURNAL_INDEX_MAX = 1 << 30 }; /* a larger index is not one that a run has written */

/* Read all records, and the result lines at the end of the last output that have none. These get
 * their records. What is no record is skipped, such as a line that is cut off. Returns 0 or a
 * negative errno. */
int journal_read(struct journal *j);

/* Called by it: add a result, or a part, which is owned by the journal from then on. Return 0 or
 * -ENOMEM. */
int journal_add_done(struct journal *j, uint64_t index, uint64_t key, bool ok);
int journal_add_part(struct journal *j, struct journal_part *part);

#endif
