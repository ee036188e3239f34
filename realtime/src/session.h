/* SPDX-License-Identifier: PostgreSQL
 *
 * Who a connection is: CONNECT, the map of sessions, heart-beats, and the end.
 */
#ifndef NECP_SESSION_H
#define NECP_SESSION_H

#include "client.h"

/* name of this process, as the database knows it */
void necp_session_init(const char *node);
/* CONNECT or STOMP. */
void necp_session_connect(Client *client, const StompFrame *frame);
/* The socket is gone; tells the database. Before necp_client_closed. */
void necp_session_closed(Client *client);
/* A session plays this character in this place; what is older than known is ignored. */
void necp_session_bind(NecpSlice session, uint64_t binding, int64_t character_id, int64_t place_id);
void necp_session_kill(NecpSlice session, NecpSlice reason);
/* Takes what necp.realtime_session answered. */
void necp_session_rebind(Client *client, const PGresult *result);
/* Heart-beats and time limits, every 250 ms. */
void necp_session_sweep(uint64_t now_ms);
/* Tells the database which sessions are connected. */
void necp_session_touch(void);

/*
 * After a loss of pushes nobody knows who lost which membership: asks the database again for every
 * session and every subscription, some at every step.
 */
void necp_session_verify_start(void);
void necp_session_verify_step(void);

#endif
