/* SPDX-License-Identifier: MIT */
/* edges.h - the work: where does a photograph change from one pixel to the next? */
#ifndef IMAGES_EDGES_H
#define IMAGES_EDGES_H

/* Read the JPEG file source, find the edges (Sobel's operator), and write them to target as another one. It blocks and
 * computes, so it belongs on a thread or in a process. 0; -EBADMSG: not a photograph, with libjpeg's sentence; what
 * open() and its kin say. A bad file leaves no target behind. */
int edges_of_file(const char *source, const char *target);

#endif
