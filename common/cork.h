/* SPDX-License-Identifier: PostgreSQL
 *
 * Holds back libpq's writes, so that the requests of one loop turn leave in one system call.
 *
 * PQpipelineSync of libpq 15 flushes each time it is called (libpq 17 has PQsendPipelineSync, which
 * does not). While a thread is corked, send and recv of this process report EAGAIN, and libpq keeps
 * what it has in its buffer, as it must for any non-blocking socket. Measured on reads: a fifth less
 * CPU in the server and a quarter less in PostgreSQL, which is woken once for several requests.
 */
#ifndef NECP_CORK_H
#define NECP_CORK_H

#include <stdbool.h>

/* Of the calling thread; between the two nothing else may use a socket. */
void necp_cork(bool on);

#endif
