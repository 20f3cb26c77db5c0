/* SPDX-License-Identifier: MIT */
/* edges.h - find the edges in a photograph. */
#ifndef IMAGES_EDGES_H
#define IMAGES_EDGES_H

/* Read the JPEG file source, find the edges by Sobel's operator, and write them to the JPEG file
 * target. It blocks and computes, so it belongs on a thread or in a process. Returns 0; -EBADMSG,
 * with libjpeg's message, if source is not a JPEG file; or an error of open() and the like. After
 * an error the file target does not exist. */
int edges_of_file(const char *source, const char *target);

#endif
