/* SPDX-License-Identifier: PostgreSQL
 *
 * The exchange with the world: inputs in, positions out, once per tick for all places together.
 */
#ifndef NECP_WORLD_H
#define NECP_WORLD_H

#include "client.h"

/* Follows the client's character, place and position subscription. */
void necp_world_update(Client *client);
/* Before the client goes. */
void necp_world_leave(Client *client);
/* A SEND to /app/input; false with the problem. The newest input of a tick counts. */
bool necp_world_input(Client *client, const StompFrame *frame, NecpProblem *problem);
void necp_world_tick(void);
/* The database may be another one, with other stamps: asks for everything anew. */
void necp_world_resync(void);
void necp_world_stop(void);

#endif
