/* SPDX-License-Identifier: PostgreSQL
 *
 * The metrics of the realtime server, necp_realtime_*.
 */
#ifndef NECP_STATS_H
#define NECP_STATS_H

#include "metrics.h"

typedef struct Stats
{
	uint64_t message_id; /* the last one given */
	NecpMetric *connections;
	NecpMetric *refused_connections;
	NecpMetric *subscriptions;
	NecpMetric *topics;
	NecpMetric *frames;     /* received */
	NecpMetric *pushes;     /* messages of the database */
	NecpMetric *deliveries; /* messages handed to a socket */
	NecpMetric *bytes_sent;
	NecpMetric *writes;
	NecpMetric *backlog_closes;
	NecpMetric *errors;   /* ERROR frames */
	NecpMetric *refusals; /* problem documents */
	NecpMetric *resyncs;
	NecpMetric *revocations;
	NecpMetric *inputs;
	NecpMetric *positions; /* frames */
	NecpMetric *positions_skipped;
	NecpMetric *ticks_skipped;
	NecpMetric *tick;
	NecpMetric *exchange;
	NecpMetric *command;
} Stats;

extern Stats necp_stats;

void necp_stats_init(void);

#endif
