/* SPDX-License-Identifier: PostgreSQL
 *
 * Rates of commands. An account has one live session, so buckets of a connection come to the same
 * as buckets of an account.
 */
#include <math.h>

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

bool
necp_rate_take(Client *client, const char *class, int *retry_after)
{
	RateBucket *bucket = find_bucket(client, class != NULL ? class : "account");
	double count;
	double seconds;

	necp_settings_rate(bucket->class, &count, &seconds);
	if (necp_bucket_take(&bucket->bucket, count / seconds, count, necp_turn_ms()))
		return true;
	*retry_after = (int) ceil((1.0 - bucket->bucket.tokens) * seconds / count);
	return false;
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
