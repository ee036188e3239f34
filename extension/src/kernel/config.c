/* SPDX-License-Identifier: PostgreSQL
 *
 * game.config, read whole into each backend and again after necp.config_set() raised the shared
 * generation.
 */
#include "postgres.h"

#include "kernel/config.h"
#include "kernel/kernel.h"
#include "kernel/shmem.h"
#include "kernel/spi.h"
#include "kernel/workers.h"

#include "port/atomics.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#define KEY_LENGTH 64

typedef struct Setting
{
	char key[KEY_LENGTH];
	double value;
} Setting;

static pg_atomic_uint32 *shared_generation;
static HTAB *settings;
static uint32 generation_loaded;

static NecpPlan load_settings = NECP_PLAN0(
	"SELECT key, (value #>> '{}')::float8 FROM game.config WHERE jsonb_typeof(value) = 'number'");

static Size
config_size(void)
{
	return sizeof(pg_atomic_uint32);
}

static void
config_start(void *piece, LWLockPadded *locks)
{
	pg_atomic_init_u32(piece, 1);
}

static NecpShmemPart config_part = {
	.name = "necp config",
	.size = config_size,
	.init = config_start,
	.piece = (void **) &shared_generation,
};

void
necp_config_init(void)
{
	necp_shmem_register(&config_part);
}

static HTAB *
create_table(void)
{
	HASHCTL control = {.keysize = KEY_LENGTH,
					   .entrysize = sizeof(Setting),
					   .hcxt = TopMemoryContext};

	return hash_create("necp settings", 128, &control, HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
}

/* Who asks may be in the midst of reading a row: the last result is as it was. */
static void
load(uint32 generation)
{
	SPITupleTable *last = SPI_tuptable;
	uint64 last_rows = SPI_processed;
	uint64 rows = necp_run0(&load_settings);

	if (settings != NULL)
		hash_destroy(settings);
	settings = create_table();
	for (uint64 row = 0; row < rows; row++)
	{
		Setting *setting = hash_search(settings, necp_text(row, 1), HASH_ENTER, NULL);

		setting->value = necp_float8(row, 2);
	}
	generation_loaded = generation;
	SPI_freetuptable(SPI_tuptable);
	SPI_tuptable = last;
	SPI_processed = last_rows;
}

double
necp_config_float(const char *key)
{
	uint32 generation = pg_atomic_read_u32(shared_generation);
	Setting *setting;

	if (settings == NULL || generation != generation_loaded)
		load(generation);
	setting = hash_search(settings, key, HASH_FIND, NULL);
	if (setting == NULL)
		elog(ERROR, "config has no number \"%s\"", key);
	return setting->value;
}

int64
necp_config_int(const char *key)
{
	return (int64) necp_config_float(key);
}

/* Called by necp.config_set() inside its transaction: readers load again once it has committed. */
static void
raise_generation(bool committed, void *arg)
{
	pg_atomic_fetch_add_u32(shared_generation, 1);
}

PG_FUNCTION_INFO_V1(necp_config_changed);
Datum
necp_config_changed(PG_FUNCTION_ARGS)
{
	generation_loaded = 0;
	necp_at_xact_end(raise_generation, NULL);
	PG_RETURN_VOID();
}
