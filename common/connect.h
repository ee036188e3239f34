/* SPDX-License-Identifier: PostgreSQL
 *
 * Opens connections to PostgreSQL in a thread of its own, because libpq resolves host names (and
 * computes SCRAM proofs, and shakes TLS hands) in the calling thread: an event loop would stand
 * still exactly when the database is away. Attempts follow one another with a growing pause.
 */
#ifndef NECP_CONNECT_H
#define NECP_CONNECT_H

#include <libpq-fe.h>

#include "loop.h"

typedef struct NecpConnector NecpConnector;

/* Called in the loop's thread; the connection is established, non-blocking and the callee's. */
typedef void (*NecpConnectCallback)(void *arg, PGconn *conn);

/* options: the server options ("-c lock_timeout=2s"), may be NULL. Strings are copied. */
NecpConnector *necp_connector_new(NecpLoop loop, const char *conninfo, const char *application_name,
								  const char *options, NecpConnectCallback callback, void *arg);
/* Asks for n more connections; it never gives up on them. */
void necp_connector_want(NecpConnector *connector, int n);
/* No callback comes after it. Does not wait for an attempt under way. */
void necp_connector_free(NecpConnector *connector);

#endif
