/* SPDX-License-Identifier: PostgreSQL
 *
 * Rate limits as token buckets, all threads on one table without locks.
 *
 * A bucket is one number, the time at which it would be full again (GCRA): taking a token moves it
 * on by one interval, and it may not run ahead of now by more than the window. The table is
 * of fixed size; a set that is full forgets its fullest bucket, so a flood of addresses can only make
 * the limiter forget, never grow.
 */
#include <sodium.h>

#include "edge.h"

#define SETS 16384
#define WAYS 4

typedef struct Bucket
{
	_Atomic uint64_t key;
	_Atomic uint64_t full_at_us;
} Bucket;

static Bucket (*buckets)[WAYS];
static unsigned char hash_key[crypto_shorthash_KEYBYTES];

void
necp_edge_limit_init(void)
{
	buckets = necp_alloc_zero(SETS * sizeof(*buckets));
	randombytes_buf(hash_key, sizeof(hash_key));
}

static uint64_t
bucket_key(int rate_class, uint64_t kind, const void *id, size_t len)
{
	unsigned char text[32] = {0};
	uint64_t hash;

	text[0] = (unsigned char) rate_class;
	text[1] = (unsigned char) kind;
	memcpy(text + 2, id, len);
	crypto_shorthash((unsigned char *) &hash, text, len + 2, hash_key);
	return hash | 1; /* 0 marks a bucket nobody uses */
}

static Bucket *
find_bucket(uint64_t key)
{
	Bucket *set = buckets[(key >> 1) % SETS];
	Bucket *oldest = set;

	for (int i = 0; i < WAYS; i++)
	{
		if (atomic_load_explicit(&set[i].key, memory_order_relaxed) == key)
			return &set[i];
		if (atomic_load_explicit(&set[i].full_at_us, memory_order_relaxed) <
			atomic_load_explicit(&oldest->full_at_us, memory_order_relaxed))
			oldest = &set[i];
	}
	/* two threads may do so at once: one of them forgets a token, no more */
	atomic_store_explicit(&oldest->key, key, memory_order_relaxed);
	atomic_store_explicit(&oldest->full_at_us, 0, memory_order_relaxed);
	return oldest;
}

int
necp_edge_limit_take(const EdgeRate *rate, int rate_class, uint64_t kind, const void *id,
					 size_t len)
{
	uint64_t now = necp_now_us();
	uint64_t full_at;
	uint64_t next;
	Bucket *bucket;

	if (rate->window_us == 0)
		return 0;
	bucket = find_bucket(bucket_key(rate_class, kind, id, len));
	full_at = atomic_load_explicit(&bucket->full_at_us, memory_order_relaxed);
	do
	{
		next = (full_at > now ? full_at : now) + rate->interval_us;
		if (next - now > rate->window_us)
			return (int) ((next - now - rate->window_us + 999999) / 1000000);
	} while (!atomic_compare_exchange_weak_explicit(&bucket->full_at_us,
													&full_at,
													next,
													memory_order_relaxed,
													memory_order_relaxed));
	return 0;
}
