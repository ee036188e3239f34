/* SPDX-License-Identifier: PostgreSQL
 *
 * Who may come in: the access token, and the rate limit that depends on it.
 */
#include <strings.h>

#include "edge.h"

enum
{
	BY_ADDRESS = 1,
	BY_ACCOUNT = 2
};

static int public_class = -1;
static int account_class = -1;

static bool
bearer_token(NecpSlice header, NecpSlice *token)
{
	if (header.base == NULL || header.len <= 7 || strncasecmp(header.base, "Bearer ", 7) != 0)
		return false;
	*token = (NecpSlice){header.base + 7, header.len - 7};
	return true;
}

static bool
names_other_key(EdgeJob *job)
{
	NecpSlice token;

	return job->thread->keys != NULL && bearer_token(job->authorization, &token) &&
		   necp_token_names_other_key(job->thread->keys, token);
}

static NecpErrorCode
check_token(EdgeJob *job)
{
	EdgeThread *thread = job->thread;
	NecpErrorCode code;
	NecpSlice token;

	if (!bearer_token(job->authorization, &token) || thread->keys == NULL)
		return NECP_UNAUTHENTICATED;
	code = necp_token_check(thread->tokens, thread->keys, token, thread->now_seconds, &job->claims);
	if (code != NECP_NO_ERROR)
		job->claims.account_id = 0;
	return code;
}

/* From the burst's bucket first: a request it refuses costs nothing of the longer one. */
static int
take(EdgeJob *job, int rate_class, uint64_t kind, const void *id, size_t len)
{
	const EdgeSettings *settings = job->thread->settings;
	int burst = rate_class >= 0 ? settings->bursts[rate_class] : -1;
	int seconds = 0;

	if (burst >= 0)
		seconds = necp_edge_limit_take(&settings->rates[burst], burst, kind, id, len);
	if (seconds == 0 && rate_class >= 0)
		seconds = necp_edge_limit_take(&settings->rates[rate_class], rate_class, kind, id, len);
	return seconds;
}

/* IPv6 clients own at least a /64, so that is what counts as one address. */
static int
take_by_address(EdgeJob *job, int rate_class)
{
	static const unsigned char no_network[8] = {0};
	const unsigned char *bytes = job->client.bytes;
	bool v4 = memcmp(bytes, no_network, sizeof(no_network)) == 0;

	return take(job, rate_class, BY_ADDRESS, bytes, v4 ? 16 : 8);
}

static int
take_by_account(EdgeJob *job, int rate_class)
{
	const int64_t *account = &job->claims.account_id;

	return take(job, rate_class, BY_ACCOUNT, account, sizeof(*account));
}

static bool
within_limit(EdgeJob *job, int seconds)
{
	NecpProblem problem;

	if (seconds == 0)
		return true;
	necp_problem_set(&problem,
					 NECP_RATE_LIMITED,
					 NULL,
					 "the next request is welcome in %d s",
					 seconds);
	problem.retry_after = seconds;
	necp_edge_refuse(job, &problem);
	return false;
}

static void
find_classes(void)
{
	public_class = necp_edge_rate_class("public");
	account_class = necp_edge_rate_class("account");
}

bool
necp_edge_authorize(EdgeJob *job, const NecpRoute *route)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	int rate_class = necp_edge_route_rate_class(route);
	NecpErrorCode code = NECP_NO_ERROR;

	pthread_once(&once, find_classes);
	if (job->authorization.base != NULL || route->auth != NECP_AUTH_PUBLIC)
		code = check_token(job);
	if (route->auth == NECP_AUTH_PUBLIC)
		return within_limit(job, take_by_address(job, rate_class >= 0 ? rate_class : public_class));
	if (code == NECP_NO_ERROR)
		return within_limit(job,
							take_by_account(job, rate_class >= 0 ? rate_class : account_class));
	if (code == NECP_UNAUTHENTICATED && names_other_key(job) && necp_edge_keys_ask(job))
		return false;
	/* guessing tokens is limited like any anonymous request */
	if (within_limit(job, take_by_address(job, public_class)))
		necp_edge_refuse_code(job,
							  code,
							  NULL,
							  job->authorization.base ? NULL : "a bearer token is required");
	return false;
}
