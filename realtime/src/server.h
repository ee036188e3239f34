/* SPDX-License-Identifier: PostgreSQL
 *
 * libwebsockets: sockets in, callbacks out.
 */
#ifndef NECP_SERVER_H
#define NECP_SERVER_H

#include <stdbool.h>

/* Listens on HOST:PORT (shared among processes, SO_REUSEPORT); false with a line in the log. */
bool necp_server_start(const char *address);
/* Accepts nothing more. */
void necp_server_stop_accepting(void);
/* Frees lws; the loop has to run a little longer to close its handles. */
void necp_server_stop(void);

#endif
