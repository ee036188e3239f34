/* SPDX-License-Identifier: PostgreSQL */
#include "postgres.h"

#include "kernel/kernel.h"
#include "kernel/random.h"
#include "kernel/shmem.h"

#include "common/base64.h"
#include "common/cryptohash.h"
#include "common/pg_prng.h"
#include "common/sha2.h"
#include "fmgr.h"
#include "port/atomics.h"

/* A seed set by a test reaches every backend: each compares the generation before it draws. */
typedef struct SharedSeed
{
	pg_atomic_uint64 seed;
	pg_atomic_uint32 generation; /* odd: seeded by a test; even: from the operating system */
} SharedSeed;

static SharedSeed *shared_seed;
static pg_prng_state generator;
static uint32 generation_seen = PG_UINT32_MAX;

static Size
random_size(void)
{
	return sizeof(SharedSeed);
}

static void
random_start(void *piece, LWLockPadded *locks)
{
	pg_atomic_init_u64(&((SharedSeed *) piece)->seed, 0);
	pg_atomic_init_u32(&((SharedSeed *) piece)->generation, 0);
}

static NecpShmemPart random_part = {
	.name = "necp random",
	.size = random_size,
	.init = random_start,
	.piece = (void **) &shared_seed,
};

void
necp_random_init(void)
{
	necp_shmem_register(&random_part);
}

static pg_prng_state *
current_generator(void)
{
	uint32 generation = pg_atomic_read_u32(&shared_seed->generation);

	if (generation == generation_seen)
		return &generator;
	if (generation % 2 == 0)
	{
		if (!pg_prng_strong_seed(&generator))
			elog(ERROR, "could not gather randomness");
	}
	else
		pg_prng_seed(&generator, pg_atomic_read_u64(&shared_seed->seed));
	generation_seen = generation;
	return &generator;
}

int64
necp_random_int(int64 min, int64 max)
{
	Assert(min <= max);
	return min + (int64) pg_prng_uint64_range(current_generator(), 0, (uint64) (max - min));
}

double
necp_random_double(void)
{
	return pg_prng_double(current_generator());
}

void
necp_random_secret(void *buf, size_t len)
{
	if (!pg_strong_random(buf, len))
		elog(ERROR, "could not gather randomness");
}

char *
necp_random_token(void)
{
	uint8 bytes[32];
	char *token = palloc(45);
	int length;

	necp_random_secret(bytes, sizeof(bytes));
	length = pg_b64_encode((char *) bytes, sizeof(bytes), token, 45);
	while (length > 0 && token[length - 1] == '=')
		length--;
	token[length] = '\0';
	for (char *c = token; *c != '\0'; c++)
	{
		if (*c == '+')
			*c = '-';
		else if (*c == '/')
			*c = '_';
	}
	return token;
}

bytea *
necp_digest(const char *s)
{
	pg_cryptohash_ctx *context = pg_cryptohash_create(PG_SHA256);
	bytea *digest = palloc(VARHDRSZ + PG_SHA256_DIGEST_LENGTH);

	SET_VARSIZE(digest, VARHDRSZ + PG_SHA256_DIGEST_LENGTH);
	if (pg_cryptohash_init(context) < 0 ||
		pg_cryptohash_update(context, (const uint8 *) s, strlen(s)) < 0 ||
		pg_cryptohash_final(context, (uint8 *) VARDATA(digest), PG_SHA256_DIGEST_LENGTH) < 0)
		elog(ERROR, "could not compute a digest: %s", pg_cryptohash_error(context));
	pg_cryptohash_free(context);
	return digest;
}

/* Seeds every backend's generator; NULL returns to the operating system's randomness. */
PG_FUNCTION_INFO_V1(necp_random_seed);
Datum
necp_random_seed(PG_FUNCTION_ARGS)
{
	uint32 generation = pg_atomic_read_u32(&shared_seed->generation);
	bool seeded = !PG_ARGISNULL(0);

	if (seeded)
		pg_atomic_write_u64(&shared_seed->seed, (uint64) PG_GETARG_INT64(0));
	/* always one that no backend has seen */
	pg_atomic_write_u32(&shared_seed->generation,
						generation + (generation % 2 == (seeded ? 1 : 0) ? 2 : 1));
	PG_RETURN_VOID();
}
