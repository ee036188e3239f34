/* SPDX-License-Identifier: PostgreSQL
 *
 * Tokens of a key that this thread does not know. Keys are announced before they sign, so such a
 * token is forged, or the announcement was lost with the listening connection: the database is asked
 * before the token is refused. An answer of the last seconds knows every key that has signed by now
 * (they wait for auth.key_lead_s), so nobody makes the edge ask more often than that.
 */
#include "edge.h"

#define ASK_AGAIN_MS 3000

static NecpStatement statement;

static void
init_statement(void)
{
	necp_statement_init(&statement, 0, NECP_KEYS_QUERY, 0, NULL);
}

/* The same keys as before leave the cache of verified tokens as it is. */
static void
take_keys(EdgeThread *thread, NecpKeys *keys)
{
	thread->keys_asked_ms = necp_now_ms();
	if (necp_keys_equal(keys, thread->keys))
	{
		necp_keys_unref(keys);
		return;
	}
	necp_keys_unref(thread->keys);
	thread->keys = keys;
}

static void
on_asked(NecpRequest *request, NecpOutcome outcome, const PGresult *result)
{
	EdgeJob *job = (EdgeJob *) request;
	EdgeThread *thread = job->thread;
	NecpKeys *keys = outcome == NECP_OUTCOME_ROWS ? necp_keys_build(result) : NULL;

	thread->asking_keys = false;
	if (keys != NULL)
		take_keys(thread, keys);
	if (!necp_edge_job_resume(job))
		return;
	if (keys != NULL)
		necp_edge_proceed(job);
	else
		necp_edge_refuse_outcome(job, NECP_OUTCOME_UNAVAILABLE, NULL);
}

bool
necp_edge_keys_ask(EdgeJob *job)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	EdgeThread *thread = job->thread;

	if (thread->keys_asked_ms != 0 && necp_now_ms() - thread->keys_asked_ms < ASK_AGAIN_MS)
		return false;
	pthread_once(&once, init_statement);
	job->request = (NecpRequest){.statement = &statement,
								 .lane = NECP_LANE_READ,
								 .repeatable = true,
								 .done = on_asked};
	necp_edge_job_hold(job);
	if (!thread->asking_keys && necp_pool_submit(thread->pool, &job->request))
	{
		thread->asking_keys = true;
		return true;
	}
	/* not known yet, so neither accepted nor refused for good */
	job->waiting = false;
	necp_edge_refuse_outcome(job, NECP_OUTCOME_UNAVAILABLE, NULL);
	return true;
}
