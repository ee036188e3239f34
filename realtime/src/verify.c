/* SPDX-License-Identifier: PostgreSQL
 *
 * After lost pushes: asks again what the lost lines may have said, of every connection. RESYNC
 * tells clients about data; this keeps a kicked member from listening on.
 */
#include "db.h"
#include "session.h"
#include "stats.h"
#include "subscription.h"
#include "turn.h"

#define STEP_CLIENTS 50
#define MAX_PENDING 200

static uint32_t verify_round;
static bool verifying;

void
necp_session_verify_start(void)
{
	verify_round++;
	verifying = necp_clients != NULL;
}

static void
on_session_verified(DbCall *call, NecpOutcome outcome, const PGresult *result)
{
	Client *client = call->client;
	NecpProblem problem;

	if (!necp_client_is_open(client))
		return;
	if (outcome == NECP_OUTCOME_ROWS)
	{
		necp_session_rebind(client, result);
		return;
	}
	if (outcome != NECP_OUTCOME_ERROR)
		return; /* away again: the next round follows when it is back */
	necp_db_problem(&problem, outcome, result);
	if (necp_problem_status(&problem) < 500)
		necp_client_fail(client, 1008, necp_error_info(problem.code)->name, problem.detail);
}

static void
on_subscription_verified(DbCall *call, NecpOutcome outcome, const PGresult *result)
{
	Client *client = call->client;
	Subscription *subscription =
		necp_subscription_by_serial(client, (uint64_t) (uintptr_t) call->arg);
	NecpProblem problem;

	if (subscription == NULL || outcome != NECP_OUTCOME_ERROR)
		return;
	necp_db_problem(&problem, outcome, result);
	if (necp_problem_status(&problem) < 500)
		necp_subscription_revoke(subscription, necp_turn_ms());
}

/* What does not fit into the queue is asked again in the next step. */
static void
verify_client(Client *client)
{
	bool asked;
	const char *values[3] = {client->session.text, NULL, NULL};

	client->verified = verify_round;
	if (client->state != CLIENT_CONNECTED && client->state != CLIENT_LEAVING)
		return;
	asked = necp_db_call(DB_SESSION, client, NULL, on_session_verified, values);
	for (Subscription *s = client->subscriptions; s != NULL && asked; s = s->next)
	{
		if (s->topic == NULL)
			continue;
		if (s->state == SUBSCRIPTION_ASKED)
		{
			s->recheck = true;
			continue;
		}
		values[1] = s->topic->name;
		asked = necp_db_call(DB_SUBSCRIBE,
							 client,
							 (void *) (uintptr_t) s->serial,
							 on_subscription_verified,
							 values);
	}
	if (!asked)
		client->verified = verify_round - 1;
}

/* Leaves room for commands; a client that comes during a round asks for itself. */
void
necp_session_verify_step(void)
{
	int left = STEP_CLIENTS;

	if (!verifying || !necp_pool_is_up(necp_db_pool, NECP_LANE_READ))
		return;
	for (Client *client = necp_clients; client != NULL; client = client->next)
	{
		if (client->verified == verify_round)
			continue;
		if (left-- == 0 || necp_pool_pending(necp_db_pool) > MAX_PENDING)
			return;
		verify_client(client);
	}
	verifying = false;
}
