/* SPDX-License-Identifier: PostgreSQL
 *
 * Registration of the metrics.
 */
#include "stats.h"

Stats necp_stats;

static NecpMetric *
plain(NecpMetricKind kind, const char *name, const char *help)
{
	return necp_metric(necp_metric_family(kind, name, help, NULL));
}

static void
add_traffic(Stats *s)
{
	s->frames = plain(NECP_COUNTER, "necp_realtime_frames_total", "STOMP frames received");
	s->pushes = plain(NECP_COUNTER, "necp_realtime_messages_total", "Messages from the database");
	s->deliveries = plain(NECP_COUNTER,
						  "necp_realtime_deliveries_total",
						  "Messages handed to sockets, once per subscriber");
	s->bytes_sent = plain(NECP_COUNTER, "necp_realtime_sent_bytes_total", "Bytes sent");
	s->writes = plain(NECP_COUNTER, "necp_realtime_writes_total", "Writes to sockets");
	s->errors = plain(NECP_COUNTER, "necp_realtime_errors_total", "ERROR frames sent");
	s->refusals = plain(NECP_COUNTER, "necp_realtime_refusals_total", "Problem documents made");
	s->resyncs = plain(NECP_COUNTER, "necp_realtime_resyncs_total", "RESYNC messages sent");
	s->revocations = plain(NECP_COUNTER,
						   "necp_realtime_revocations_total",
						   "Subscriptions ended because membership was lost");
}

static void
add_world(Stats *s)
{
	s->inputs = plain(NECP_COUNTER, "necp_realtime_inputs_total", "Movement inputs accepted");
	s->positions =
		plain(NECP_COUNTER, "necp_realtime_position_frames_total", "Position frames sent");
	s->positions_skipped = plain(NECP_COUNTER,
								 "necp_realtime_position_frames_skipped_total",
								 "Position frames not made because the client was behind");
	s->ticks_skipped = plain(NECP_COUNTER,
							 "necp_realtime_ticks_skipped_total",
							 "Ticks without an exchange because the last one was under way");
	s->tick = plain(NECP_HISTOGRAM,
					"necp_realtime_tick_seconds",
					"From the tick to the last position frame handed over");
	s->exchange = plain(NECP_HISTOGRAM,
						"necp_realtime_exchange_seconds",
						"necp.world_exchange, seen from here");
}

void
necp_stats_init(void)
{
	Stats *s = &necp_stats;

	s->connections = plain(NECP_GAUGE, "necp_realtime_connections", "Open WebSockets");
	s->refused_connections = plain(NECP_COUNTER,
								   "necp_realtime_refused_connections_total",
								   "Connections refused for want of room");
	s->subscriptions = plain(NECP_GAUGE, "necp_realtime_subscriptions", "Subscriptions");
	s->topics = plain(NECP_GAUGE, "necp_realtime_topics", "Topics held");
	s->backlog_closes = plain(NECP_COUNTER,
							  "necp_realtime_backlog_closes_total",
							  "Connections cut because they did not read");
	s->command = plain(NECP_HISTOGRAM,
					   "necp_realtime_command_seconds",
					   "SEND to /app/<path>, from the frame to the answer");
	add_traffic(s);
	add_world(s);
}
