/* SPDX-License-Identifier: PostgreSQL
 *
 * Rates of commands. An account has one live session, so buckets of a connection come to the same
 * as buckets of an account.
 */
#include <math.h>
#include <stdio.h>

#include "rate.h"
#include "settings.h"
#include "turn.h"

#define CLASS_MAX 40

typedef struct RateBucket
{
	struct RateBucket *next;
	Bucket bucket;
	char class[CLASS_MAX];
} RateBucket;

static RateBucket *
find_bucket(Client *client, const char *class)
{
	RateBucket *bucket = client->rates;

	while (bucket != NULL && strncmp(bucket->class, class, CLASS_MAX - 1) != 0)
		bucket = bucket->next;
	if (bucket != NULL)
		return bucket;
	bucket = necp_alloc_zero(sizeof(*bucket));
	strncpy(bucket->class, class, CLASS_MAX - 1);
	bucket->next = client->rates;
	client->rates = bucket;
	return bucket;
}

static bool
take(Client *client, const char *class, double count, double seconds, int *retry_after)
{
	Bucket *bucket = &find_bucket(client, class)->bucket;

	if (necp_bucket_take(bucket, count / seconds, count, necp_turn_ms()))
		return true;
	*retry_after = (int) ceil((1.0 - bucket->tokens) * seconds / count);
	return false;
}

bool
necp_rate_take(Client *client, const char *class, int *retry_after)
{
	char burst[CLASS_MAX];
	double count = 600;
	double seconds = 60;

	if (class == NULL || !necp_settings_rate(class, &count, &seconds))
	{
		class = "account";
		if (!necp_settings_rate(class, &count, &seconds))
		{
			count = 600;
			seconds = 60;
		}
	}
	if (!take(client, class, count, seconds, retry_after))
		return false;
	/* a second, shorter limit */
	snprintf(burst, sizeof(burst), "%s_burst", class);
	return !necp_settings_rate(burst, &count, &seconds) ||
		   take(client, burst, count, seconds, retry_after);
}

void
necp_rate_free(RateBucket *buckets)
{
	while (buckets != NULL)
	{
		RateBucket *next = buckets->next;

		free(buckets);
		buckets = next;
	}
}
