/* SPDX-License-Identifier: PostgreSQL
 *
 * Metrics and the access log of answers.
 */
#include <arpa/inet.h>
#include <pthread.h>

#include "edge.h"
#include "log.h"

#define SLOW_US 1000000

/* The statuses the edge answers with; others share the last place. */
static const short statuses[] = {200, 201, 202, 204, 400, 401, 403, 404, 405, 409,
								 410, 413, 415, 422, 423, 429, 500, 503, 504, 0};
#define STATUSES (sizeof(statuses) / sizeof(statuses[0]))

struct EdgeStats
{
	EdgeStats *next;
	char *name;
	int rate_class;
	NecpMetric *duration;
	_Atomic(NecpMetric *) answers[STATUSES];
};

static pthread_mutex_t stats_lock = PTHREAD_MUTEX_INITIALIZER;
static EdgeStats *all_stats;
static EdgeStats *label_stats[EDGE_LABELS];
static NecpFamily *answers;
static NecpFamily *durations;
static NecpMetric *connections;

/* One per name for the life of the process, however often the routes are reloaded. */
static EdgeStats *
find_stats(const char *name)
{
	EdgeStats *stats;

	pthread_mutex_lock(&stats_lock);
	for (stats = all_stats; stats != NULL; stats = stats->next)
		if (strcmp(stats->name, name) == 0)
			break;
	if (stats == NULL)
	{
		stats = necp_alloc_zero(sizeof(EdgeStats));
		stats->name = necp_strdup(name);
		stats->rate_class = -1;
		stats->duration = necp_metric(durations, name);
		stats->next = all_stats;
		all_stats = stats;
	}
	pthread_mutex_unlock(&stats_lock);
	return stats;
}

void
necp_edge_measure_init(void)
{
	static const char *const label_names[EDGE_LABELS] = {"unmatched", "preflight", "probe"};

	answers = necp_metric_family(NECP_COUNTER,
								 "necp_edge_requests_total",
								 "Requests answered, by route and status.",
								 "route,status");
	durations = necp_metric_family(NECP_HISTOGRAM,
								   "necp_edge_request_duration_seconds",
								   "Time from a parsed request to its answer.",
								   "route");
	connections = necp_metric(
		necp_metric_family(NECP_GAUGE, "necp_edge_connections", "Open client connections.", NULL));
	for (int i = 0; i < EDGE_LABELS; i++)
		label_stats[i] = find_stats(label_names[i]);
	necp_metrics_add_process();
}

void
necp_edge_measure_route(NecpRoute *route)
{
	EdgeStats *stats = find_stats(route->function);

	route->user = stats;
	if (route->rate != NULL)
		stats->rate_class = necp_edge_rate_class(route->rate);
}

EdgeStats *
necp_edge_stats(EdgeLabel label)
{
	return label_stats[label];
}

int
necp_edge_route_rate_class(const NecpRoute *route)
{
	return route->rate != NULL ? ((EdgeStats *) route->user)->rate_class : -1;
}

void
necp_edge_measure_connections(int delta)
{
	necp_metric_add(connections, delta);
}

static void
count_answer(EdgeStats *stats, int status)
{
	size_t place = 0;
	NecpMetric *metric;

	while (place < STATUSES - 1 && statuses[place] != status)
		place++;
	metric = atomic_load_explicit(&stats->answers[place], memory_order_acquire);
	if (metric == NULL)
	{
		char text[24] = "other";

		if (statuses[place] != 0)
			necp_format_int(text, statuses[place]);
		metric = necp_metric(answers, stats->name, text);
		atomic_store_explicit(&stats->answers[place], metric, memory_order_release);
	}
	necp_metric_add(metric, 1);
}

static void
log_answer(const EdgeJob *job, int status, uint64_t us)
{
	NecpLogLevel level = status >= 500 ? NECP_LOG_WARNING : NECP_LOG_INFO;
	char ip[INET6_ADDRSTRLEN];
	NecpBuf *line;

	if (!necp_log_enabled(level))
		return;
	necp_edge_address_format(&job->client, ip);
	line = necp_log_begin(level, "request");
	necp_log_text(line, "trace_id", job->trace_id.text, NECP_UUID_LEN);
	necp_log_text(line, "method", job->req->method.base, job->req->method.len);
	necp_log_text(line, "route", job->stats->name, strlen(job->stats->name));
	necp_log_int(line, "status", status);
	necp_log_int(line, "us", (int64_t) us);
	necp_log_text(line, "ip", ip, strlen(ip));
	if (job->claims.account_id != 0)
		necp_log_int(line, "account_id", job->claims.account_id);
	necp_log_end(level);
}

void
necp_edge_measure_answer(EdgeJob *job, int status)
{
	EdgeLogRequests wanted = job->thread->settings->log_requests;
	uint64_t us = necp_now_us() - job->start_us;

	count_answer(job->stats, status);
	necp_metric_observe_us(job->stats->duration, us);
	if (job->task == NULL)
		necp_edge_password_other();
	if (wanted == EDGE_LOG_ALL || (wanted == EDGE_LOG_ERRORS && (status >= 500 || us > SLOW_US)))
		log_answer(job, status, us);
}
