/* SPDX-License-Identifier: PostgreSQL */
#include "postgres.h"

#include "kernel/clock.h"
#include "kernel/kernel.h"
#include "kernel/shmem.h"

#include "access/xact.h"
#include "fmgr.h"
#include "port/atomics.h"
#include "utils/timestamp.h"

typedef struct Clock
{
	pg_atomic_uint64 offset_us; /* int64 in disguise */
} Clock;

static Clock *shared_clock;

static Size
clock_size(void)
{
	return sizeof(Clock);
}

static void
clock_start(void *piece, LWLockPadded *locks)
{
	pg_atomic_init_u64(&((Clock *) piece)->offset_us, 0);
}

static NecpShmemPart clock_part = {
	.name = "necp clock",
	.size = clock_size,
	.init = clock_start,
	.piece = (void **) &shared_clock,
};

void
necp_clock_init(void)
{
	necp_shmem_register(&clock_part);
}

TimestampTz
necp_now(void)
{
	return GetCurrentTimestamp() + (int64) pg_atomic_read_u64(&shared_clock->offset_us);
}

TimestampTz
necp_statement_time(void)
{
	return GetCurrentStatementStartTimestamp() +
		   (int64) pg_atomic_read_u64(&shared_clock->offset_us);
}

PG_FUNCTION_INFO_V1(necp_now_sql);
Datum
necp_now_sql(PG_FUNCTION_ARGS)
{
	PG_RETURN_TIMESTAMPTZ(necp_now());
}

/* Moves the game's clock by an interval of at most days, for every process at once. */
PG_FUNCTION_INFO_V1(necp_clock_advance);
Datum
necp_clock_advance(PG_FUNCTION_ARGS)
{
	Interval *by = PG_GETARG_INTERVAL_P(0);
	int64 us = by->time + ((int64) by->day + (int64) by->month * DAYS_PER_MONTH) * USECS_PER_DAY;

	pg_atomic_fetch_add_u64(&shared_clock->offset_us, us);
	PG_RETURN_TIMESTAMPTZ(necp_now());
}

PG_FUNCTION_INFO_V1(necp_clock_reset);
Datum
necp_clock_reset(PG_FUNCTION_ARGS)
{
	pg_atomic_write_u64(&shared_clock->offset_us, 0);
	PG_RETURN_TIMESTAMPTZ(necp_now());
}
