/* SPDX-License-Identifier: PostgreSQL
 *
 * /health, /ready and /metrics.
 */
#include "edge.h"

static const char health_body[] = "{\"status\":\"ok\"}";
static const char ready_body[] = "{\"status\":\"ready\"}";

void
necp_edge_health(EdgeJob *job)
{
	necp_edge_answer_json(job, 200, health_body, sizeof(health_body) - 1);
}

static void
refuse_ready(EdgeJob *job, const char *why)
{
	necp_edge_refuse_code(job, NECP_UNAVAILABLE, NULL, why);
}

static void
on_answer(NecpRequest *request, NecpOutcome outcome, const PGresult *result)
{
	EdgeJob *job = (EdgeJob *) request;

	if (!necp_edge_job_resume(job))
		return;
	if (outcome == NECP_OUTCOME_ROWS)
		necp_edge_answer_json(job, 200, ready_body, sizeof(ready_body) - 1);
	else
		refuse_ready(job, "the database does not answer");
}

static void
on_timeout(h2o_timeout_entry_t *entry)
{
	EdgeJob *job = H2O_STRUCT_FROM_MEMBER(EdgeJob, timeout, entry);

	refuse_ready(job, "the database does not answer");
}

static const NecpStatement *
probe_statement(void)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static NecpStatement statement;

	pthread_mutex_lock(&lock);
	if (statement.sql == NULL)
		necp_statement_init(&statement, 0, "SELECT 1", 0, NULL);
	pthread_mutex_unlock(&lock);
	return &statement;
}

void
necp_edge_ready(EdgeJob *job)
{
	EdgeThread *thread = job->thread;

	if (thread->draining)
		refuse_ready(job, "stopping");
	else if (thread->routes == NULL || thread->keys == NULL)
		refuse_ready(job, "the routes are not loaded yet");
	else
	{
		job->timeout.cb = on_timeout;
		h2o_timeout_link(thread->ctx.loop, &thread->ctx.one_sec_timeout, &job->timeout);
		necp_edge_submit(job, probe_statement(), NECP_LANE_READ, true, on_answer);
	}
}

void
necp_edge_metrics(EdgeJob *job)
{
	NecpBuf body = {0};

	necp_metrics_write(&body);
	necp_edge_answer(job, 200, "text/plain; version=0.0.4; charset=utf-8", body.data, body.len);
	necp_buf_free(&body);
}
