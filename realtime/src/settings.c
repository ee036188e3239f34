/* SPDX-License-Identifier: PostgreSQL
 *
 * Command line and configuration of the realtime server.
 */
#include <stdio.h>
#include <unistd.h>

#include "settings.h"

Settings necp_settings;

static NecpConfig *current;

/* Unique per process: the database tells by it whose disconnects are stale. */
static const char *
default_node(void)
{
	static char node[128];
	char host[64] = "";

	(void) gethostname(host, sizeof(host) - 1);
	snprintf(node, sizeof(node), "realtime-%s-%ld", host, (long) getpid());
	return node;
}

bool
necp_options_parse(Options *options, int argc, char **argv)
{
	const NecpFlag flags[] = {
		{"--db", NECP_FLAG_TEXT, &options->db, "CONNINFO", "the database", true, 0, 0},
		{"--listen", NECP_FLAG_TEXT, &options->listen, "HOST:PORT", "where to listen", true, 0, 0},
		{"--connections",
		 NECP_FLAG_INT,
		 &options->connections,
		 "N",
		 "database connections (4)",
		 false,
		 2,
		 64},
		{"--node", NECP_FLAG_TEXT, &options->node, "NAME", "name of this process", false, 0, 0},
		{0},
	};

	*options = (Options){.connections = 4};
	if (!necp_flags_parse(flags, "necp-realtime", argc, argv))
		return false;
	if (options->node == NULL)
		options->node = default_node();
	return true;
}

bool
necp_settings_rate(const char *class, double *count, double *seconds)
{
	char key[64];
	const json_t *rate;

	snprintf(key, sizeof(key), "rate.%s", class);
	rate = current != NULL ? necp_config_json(current, key) : NULL;
	*count = json_number_value(json_object_get(rate, "count"));
	*seconds = json_number_value(json_object_get(rate, "seconds"));
	return *count >= 1 && *seconds > 0;
}

static int64_t
load_int(const NecpConfig *config, const char *key, int64_t fallback, int64_t min, int64_t max)
{
	return config == NULL ? fallback : necp_config_int(config, key, fallback, min, max);
}

void
necp_settings_load(NecpConfig *config)
{
	Settings *s = &necp_settings;

	if (current != NULL)
		necp_config_unref(current);
	current = config;
	s->tick_ms = load_int(config, "realtime.tick_ms", 50, 10, 1000);
	s->backlog_bytes = load_int(config, "realtime.backlog_bytes", 1 << 20, 1 << 14, 1 << 28);
	s->max_frame = load_int(config, "realtime.max_frame", 8192, 1024, 1 << 20);
	s->max_connections = load_int(config, "realtime.max_connections", 20000, 1, 1000000);
	s->max_subscriptions = load_int(config, "realtime.max_subscriptions", 64, 1, 10000);
	s->max_commands = load_int(config, "realtime.max_commands", 32, 1, 10000);
	s->frames_per_second = load_int(config, "realtime.frames_per_second", 60, 1, 1000000);
	s->heartbeat_ms = load_int(config, "realtime.heartbeat_ms", 10000, 1000, 600000);
	s->connect_ms = load_int(config, "realtime.connect_ms", 10000, 100, 600000);
	s->touch_ms = load_int(config, "realtime.touch_ms", 30000, 1000, 600000);
}
