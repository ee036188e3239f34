/* SPDX-License-Identifier: PostgreSQL
 *
 * Command line and configuration of the realtime server.
 */
#ifndef NECP_SETTINGS_H
#define NECP_SETTINGS_H

#include "config.h"

typedef struct Options
{
	const char *db;
	const char *listen;
	const char *node;
	int connections; /* to the database, per lane */
} Options;

/* From the database (keys realtime.<name>), with defaults; reloaded while running. */
typedef struct Settings
{
	int64_t tick_ms;
	int64_t backlog_bytes;
	int64_t max_frame;
	int64_t max_connections;
	int64_t max_subscriptions; /* of a connection */
	int64_t max_commands;      /* of a connection, under way */
	int64_t frames_per_second; /* of a connection, and as many at once */
	int64_t heartbeat_ms;
	int64_t connect_ms; /* from the socket to CONNECT */
	int64_t touch_ms;
} Settings;

extern Settings necp_settings;

bool necp_options_parse(Options *options, int argc, char **argv);
/* Takes over the reference. config may be NULL: the defaults. */
void necp_settings_load(NecpConfig *config);
/* The rate of a class: count at once, and in every so many seconds; false if there is none. */
bool necp_settings_rate(const char *class, double *count, double *seconds);

#endif
