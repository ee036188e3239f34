/* SPDX-License-Identifier: PostgreSQL
 *
 * The event loop: libuv, driving libwebsockets, the database connections and our timers.
 */
#ifndef NECP_TURN_H
#define NECP_TURN_H

#include <uv.h>

#include "loop.h"

/* The one loop of the process, and its face to common/. */
uv_loop_t *necp_turn_loop(void);
NecpLoop necp_turn_ops(void);
/* Monotonic milliseconds as of the beginning of this turn. */
uint64_t necp_turn_ms(void);

#endif
