/* SPDX-License-Identifier: PostgreSQL
 *
 * The world worker: advances the live world at 20 Hz (DOMAIN §13) and runs a transaction only for
 * outcomes. What is advanced belongs to the rooms, which register jobs.
 */
#include "postgres.h"

#include "world/pool.h"

#include "utils/memutils.h"

#include "kernel/clock.h"
#include "kernel/workers.h"

#define STEP_MS 50
#define RELOAD_PAUSE_US 1000000

static const NecpWorldJob *jobs[NECP_MAX_WORLD_JOBS];
static TimestampTz due[NECP_MAX_WORLD_JOBS];
static int njobs;
static bool overrun; /* the last step took longer than a step */

static uint32 loaded; /* generation; 0: nothing yet */
static TimestampTz load_again;
static MemoryContext step_context;

void
necp_world_job(const NecpWorldJob *job)
{
	if (njobs == NECP_MAX_WORLD_JOBS)
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

static void
run_job(int i, TimestampTz now)
{
	NecpWorldWork *work = &necp_world->work[i];
	TimestampTz begun = GetCurrentTimestamp();
	int64 us;

	jobs[i]->step(now);
	us = GetCurrentTimestamp() - begun;
	work->runs++;
	work->total_us += us;
	work->most_us = Max(work->most_us, us);
}

/*
 * Periods pass in real time, deadlines by the game's clock. Where the last step took longer than
 * there is, what can wait does, but not twice in a row: it is what makes the world go on.
 */
static void
run_jobs(void)
{
	TimestampTz now = necp_now();
	TimestampTz real = GetCurrentTimestamp();
	bool late = overrun;

	for (int i = 0; i < njobs; i++)
	{
		if (jobs[i]->step == NULL || real < due[i])
			continue;
		if (late && jobs[i]->shed)
		{
			necp_world->work[i].shed++;
			continue;
		}
		due[i] = real + (int64) jobs[i]->period_ms * 1000;
		run_job(i, now);
	}
	overrun = !late && GetCurrentTimestamp() - real > STEP_MS * 1000;
}

int
necp_world_work(NecpWorldWork out[NECP_MAX_WORLD_JOBS])
{
	int n = 0;

	for (int i = 0; i < NECP_MAX_WORLD_JOBS; i++)
		if (necp_world->work[i].runs > 0)
			out[n++] = necp_world->work[i];
	return n;
}

static void
start_world(void)
{
	loaded = 0;
	load_again = 0;
	memset(necp_world->work, 0, sizeof(necp_world->work));
	for (int i = 0; i < njobs; i++)
		strlcpy(necp_world->work[i].name, jobs[i]->name, sizeof(necp_world->work[i].name));
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
