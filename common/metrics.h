/* SPDX-License-Identifier: PostgreSQL
 *
 * Counters, gauges and histograms in Prometheus' text format. Updates touch only the calling
 * thread's shard (no lock, no shared cache line); a scrape adds the shards up.
 */
#ifndef NECP_METRICS_H
#define NECP_METRICS_H

#include "buf.h"

typedef struct NecpFamily NecpFamily;
typedef struct NecpMetric NecpMetric;

typedef enum NecpMetricKind
{
	NECP_COUNTER,
	NECP_GAUGE,
	NECP_HISTOGRAM
} NecpMetricKind;

/*
 * Registers a family, or returns the one of that name. name, help and labels (a list like
 * "route,status", NULL for none) must outlive the process. A histogram takes microseconds and shows
 * seconds.
 */
NecpFamily *necp_metric_family(NecpMetricKind kind, const char *name, const char *help,
							   const char *labels);
/*
 * The series with these label values (const char *, as many as labels, copied), made if missing.
 * Takes a lock: keep the pointer, it is valid for ever.
 */
NecpMetric *necp_metric(NecpFamily *family, ...);

/* Adds to a counter or gauge. */
void necp_metric_add(NecpMetric *metric, int64_t delta);
/* Sets a gauge; only one thread may do so for a given series. */
void necp_metric_set(NecpMetric *metric, int64_t value);
void necp_metric_observe_us(NecpMetric *metric, uint64_t us);
/* The sum over all threads (a histogram: its count). */
int64_t necp_metric_value(const NecpMetric *metric);

/* Appends every family as text exposition format 0.0.4. */
void necp_metrics_write(NecpBuf *out);

/* Registers process_resident_memory_bytes, process_cpu_seconds_total, process_open_fds, ... */
void necp_metrics_add_process(void);

#endif
