/* SPDX-License-Identifier: PostgreSQL
 *
 * The world worker: advances the live world at 20 Hz (DOMAIN §13) and runs a transaction only for
 * outcomes. What is advanced belongs to the rooms, which register jobs.
 */
#include "postgres.h"

#include "world/world.h"

#include "utils/memutils.h"

#include "kernel/clock.h"
#include "kernel/workers.h"

#define STEP_MS 50
#define MAX_WORLD_JOBS 16
#define RELOAD_PAUSE_US 1000000

static const NecpWorldJob *jobs[MAX_WORLD_JOBS];
static TimestampTz due[MAX_WORLD_JOBS];
static int njobs;

static uint32 loaded; /* generation; 0: nothing yet */
static TimestampTz load_again;
static MemoryContext step_context;

void
necp_world_job(const NecpWorldJob *job)
{
	if (njobs == MAX_WORLD_JOBS)
		elog(ERROR, "too many jobs of the world worker");
	jobs[njobs++] = job;
}

/* A failure is in the log; everything is loaded again after a pause. */
static void
load_world(void)
{
	uint32 generation = necp_world_generation();

	for (int i = 0; i < njobs; i++)
		if (jobs[i]->load != NULL && !necp_worker_transaction(jobs[i]->load, NULL))
			return;
	loaded = generation;
}

/* Periods pass in real time, deadlines by the game's clock. */
static void
run_jobs(void)
{
	TimestampTz now = necp_now();
	TimestampTz real = GetCurrentTimestamp();

	for (int i = 0; i < njobs; i++)
	{
		if (jobs[i]->step == NULL || real < due[i])
			continue;
		due[i] = real + (int64) jobs[i]->period_ms * 1000;
		jobs[i]->step(now);
	}
}

static void
start_world(void)
{
	loaded = 0;
	load_again = 0;
	if (step_context == NULL)
		step_context =
			AllocSetContextCreate(TopMemoryContext, "necp world step", ALLOCSET_DEFAULT_SIZES);
}

static void
step_world(void)
{
	MemoryContext outer = MemoryContextSwitchTo(step_context);

	if (loaded != necp_world_generation() && GetCurrentTimestamp() >= load_again)
	{
		load_again = GetCurrentTimestamp() + RELOAD_PAUSE_US;
		load_world();
	}
	if (loaded != 0)
		run_jobs();
	MemoryContextSwitchTo(outer);
	MemoryContextReset(step_context);
}

static const NecpWorker world_worker = {
	.name = "world",
	.period_ms = STEP_MS,
	.start = start_world,
	.step = step_world,
};

void
necp_world_worker_init(void)
{
	necp_worker_register(&world_worker);
}
