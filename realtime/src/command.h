/* SPDX-License-Identifier: PostgreSQL
 *
 * What clients say, once they are connected.
 */
#ifndef NECP_COMMAND_H
#define NECP_COMMAND_H

#include "client.h"

/* Feeds what came on the socket. */
void necp_command_receive(Client *client, const char *data, size_t length);
/* SEND to /app/<path>, run as POST /api/v1/<path>. */
void necp_command_run(Client *client, const StompFrame *frame, const char *path);
/* The id refusals and answers carry: correlation-id, else the receipt asked for; or NULL. */
const char *necp_command_correlation(const StompFrame *frame);
/* RECEIPT, if one was asked for; receipt may be NULL. */
void necp_command_receipt(Client *client, const char *receipt);
/* After DISCONNECT: closes when nothing is under way any more. */
void necp_command_leave(Client *client);

#endif
