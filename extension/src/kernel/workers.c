/* SPDX-License-Identifier: PostgreSQL
 *
 * Background workers. One launcher, bound to no database, starts the workers once the database
 * named by necpgame.database exists and starts them anew when they end; a worker waits until the
 * extension stands in it, so CREATE and DROP EXTENSION need no restart. SIGTERM ends a worker with a
 * code that lets the postmaster or the launcher start it again.
 */
#include "postgres.h"

#include "kernel/clock.h"
#include "kernel/kernel.h"
#include "kernel/workers.h"

#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_database.h"
#include "executor/spi.h"
#include "libpq/pqsignal.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#define MAX_WORKERS 8
#define MAX_JOBS 32
#define RECHECK_MS 2000 /* how often a worker looks whether the extension is still there */

typedef struct Job
{
	const char *name;
	int period_s;
	void (*body)(void *arg); /* in a transaction, or */
	void (*step)(void);      /* outside one */
	TimestampTz next;
} Job;

static const NecpWorker *workers[MAX_WORKERS];
static int nworkers;
static Job jobs[MAX_JOBS];
static int njobs;

PGDLLEXPORT void necp_launcher_main(Datum arg);
PGDLLEXPORT void necp_worker_main(Datum arg);

void
necp_worker_register(const NecpWorker *worker)
{
	if (nworkers == MAX_WORKERS)
		elog(ERROR, "too many workers");
	workers[nworkers++] = worker;
}

static Job *
add_job(const char *name, int period_s)
{
	if (njobs == MAX_JOBS)
		elog(ERROR, "too many jobs");
	jobs[njobs].name = name;
	jobs[njobs].period_s = period_s;
	return &jobs[njobs++];
}

void
necp_schedule(const char *name, int period_s, void (*body)(void *arg))
{
	add_job(name, period_s)->body = body;
}

void
necp_schedule_steps(const char *name, int period_s, void (*step)(void))
{
	add_job(name, period_s)->step = step;
}

/* Transactions of workers ---------------------------------------------------------------------- */

/* Ends what an error left behind; the error is in the log already. */
static void
recover(MemoryContext context)
{
	HOLD_INTERRUPTS();
	EmitErrorReport();
	AbortCurrentTransaction();
	MemoryContextSwitchTo(context);
	FlushErrorState();
	LWLockReleaseAll();
	RESUME_INTERRUPTS();
}

bool
necp_worker_transaction(void (*body)(void *arg), void *arg)
{
	MemoryContext context = CurrentMemoryContext;
	volatile bool done = false;

	CHECK_FOR_INTERRUPTS();
	if (IsTransactionState()) /* a job that necp.run_job() runs makes do with its caller's */
	{
		body(arg);
		return true;
	}
	PG_TRY();
	{
		StartTransactionCommand();
		PushActiveSnapshot(GetTransactionSnapshot());
		SPI_connect();
		body(arg);
		SPI_finish();
		PopActiveSnapshot();
		CommitTransactionCommand();
		done = true;
	}
	PG_CATCH();
	{
		recover(context);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	pgstat_report_stat(false);
	return done;
}

/* Waiting -------------------------------------------------------------------------------------- */

static void
wait(long ms)
{
	(void)
		WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, ms, PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
	if (ConfigReloadPending)
	{
		ConfigReloadPending = false;
		ProcessConfigFile(PGC_SIGHUP);
	}
}

static bool
look_for_extension(void)
{
	bool installed;

	StartTransactionCommand();
	installed = necp_installed();
	CommitTransactionCommand();
	return installed;
}

/* The workers ---------------------------------------------------------------------------------- */

static void
accept_signals(void)
{
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
}

static long
pause_until(const NecpWorker *worker, TimestampTz next)
{
	long ms;

	if (worker->period_ms == NECP_WORKER_LATCH)
		return RECHECK_MS;
	ms = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), next);
	return ms;
}

/* Runs steps while the extension is there; returns when it is gone or a step failed. */
static void
run_steps(const NecpWorker *worker)
{
	TimestampTz next = GetCurrentTimestamp();
	TimestampTz recheck = next;

	if (worker->start != NULL)
		worker->start();
	for (;;)
	{
		TimestampTz now = GetCurrentTimestamp();

		if (now >= recheck)
		{
			if (!look_for_extension())
				return;
			recheck = TimestampTzPlusMilliseconds(now, RECHECK_MS);
		}
		worker->step();
		if (worker->period_ms != NECP_WORKER_LATCH)
			next = Max(TimestampTzPlusMilliseconds(next, worker->period_ms), now);
		if (worker->period_ms == NECP_WORKER_LATCH || pause_until(worker, next) > 0)
			wait(pause_until(worker, next));
		else
			CHECK_FOR_INTERRUPTS();
	}
}

static void
work(const NecpWorker *worker)
{
	MemoryContext context =
		AllocSetContextCreate(TopMemoryContext, "necp worker", ALLOCSET_DEFAULT_SIZES);

	for (;;)
	{
		MemoryContextSwitchTo(context);
		MemoryContextReset(context);
		while (!look_for_extension())
			wait(1000);
		PG_TRY();
		{
			run_steps(worker);
		}
		PG_CATCH();
		{
			recover(context);
		}
		PG_END_TRY();
		wait(1000);
	}
}

/* As the edges' role (base.sql): what is planned here is kept for as long as the worker lives. */
static void
keep_to_indexes(void)
{
	static const char *const avoided[] = {"enable_seqscan",
										  "enable_mergejoin",
										  "enable_hashjoin",
										  "jit"};

	for (size_t i = 0; i < lengthof(avoided); i++)
		SetConfigOption(avoided[i], "off", PGC_USERSET, PGC_S_SESSION);
}

void
necp_worker_main(Datum arg)
{
	const NecpWorker *worker = workers[DatumGetInt32(arg)];

	accept_signals();
	BackgroundWorkerInitializeConnection(necp_database, NULL, 0);
	SetConfigOption("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION);
	keep_to_indexes();
	SetConfigOption("application_name",
					psprintf("necp %s", worker->name),
					PGC_USERSET,
					PGC_S_SESSION);
	pgstat_report_activity(STATE_RUNNING, worker->name);
	work(worker);
}

/* The launcher --------------------------------------------------------------------------------- */

/* By a scan: the caches that an index needs may not be there for who has no database of its own. */
static bool
database_exists(void)
{
	Relation databases;
	TableScanDesc scan;
	HeapTuple tuple;
	bool exists = false;

	StartTransactionCommand();
	(void) GetTransactionSnapshot();
	databases = table_open(DatabaseRelationId, AccessShareLock);
	scan = table_beginscan_catalog(databases, 0, NULL);
	while (!exists && (tuple = heap_getnext(scan, ForwardScanDirection)) != NULL)
		exists =
			strcmp(NameStr(((Form_pg_database) GETSTRUCT(tuple))->datname), necp_database) == 0;
	table_endscan(scan);
	table_close(databases, AccessShareLock);
	CommitTransactionCommand();
	return exists;
}

static BackgroundWorkerHandle *
start_worker(int i)
{
	BackgroundWorker worker = {0};
	BackgroundWorkerHandle *handle;

	snprintf(worker.bgw_name, BGW_MAXLEN, "necp %s", workers[i]->name);
	snprintf(worker.bgw_type, BGW_MAXLEN, "necp %s", workers[i]->name);
	snprintf(worker.bgw_library_name, BGW_MAXLEN, "necpgame");
	snprintf(worker.bgw_function_name, BGW_MAXLEN, "necp_worker_main");
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time =
		BGW_NEVER_RESTART; /* the launcher restarts it, if its database is there */
	worker.bgw_main_arg = Int32GetDatum(i);
	worker.bgw_notify_pid = MyProcPid;
	if (!RegisterDynamicBackgroundWorker(&worker, &handle))
	{
		ereport(LOG,
				errmsg("no slot for the game's worker \"%s\"", workers[i]->name),
				errhint("Raise max_worker_processes."));
		return NULL;
	}
	return handle;
}

void
necp_launcher_main(Datum arg)
{
	BackgroundWorkerHandle *handles[MAX_WORKERS] = {0};
	pid_t pid;

	accept_signals();
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);
	for (;;)
	{
		for (int i = 0; i < nworkers; i++)
		{
			if (handles[i] != NULL && GetBackgroundWorkerPid(handles[i], &pid) != BGWH_STOPPED)
				continue;
			if (handles[i] != NULL)
				pfree(handles[i]);
			handles[i] = database_exists() ? start_worker(i) : NULL;
		}
		wait(1000);
	}
}

/* The scheduler -------------------------------------------------------------------------------- */

static void
run_jobs(void)
{
	for (int i = 0; i < njobs; i++)
	{
		TimestampTz now = necp_now();
		TimestampTz after = TimestampTzPlusMilliseconds(now, jobs[i].period_s * INT64CONST(1000));

		/* farther off than a period: the clock was set back */
		if (now < jobs[i].next && jobs[i].next <= after)
			continue;
		jobs[i].next = after;
		if (jobs[i].step != NULL)
			jobs[i].step();
		else
			(void) necp_worker_transaction(jobs[i].body, NULL);
	}
}

static const NecpWorker scheduler = {
	.name = "scheduler",
	.period_ms = 250,
	.step = run_jobs,
};

/* run_job(name): runs a job of the scheduler here and now, for tests and operators. */
PG_FUNCTION_INFO_V1(necp_run_job);
Datum
necp_run_job(PG_FUNCTION_ARGS)
{
	char *name = NameStr(*PG_GETARG_NAME(0));

	for (int i = 0; i < njobs; i++)
	{
		if (strcmp(jobs[i].name, name) != 0)
			continue;
		SPI_connect();
		if (jobs[i].step != NULL)
			jobs[i].step();
		else
			jobs[i].body(NULL);
		SPI_finish();
		PG_RETURN_VOID();
	}
	ereport(ERROR, errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("there is no job \"%s\"", name));
}

void
necp_workers_init(void)
{
	BackgroundWorker launcher = {0};

	necp_worker_register(&scheduler);
	snprintf(launcher.bgw_name, BGW_MAXLEN, "necp launcher");
	snprintf(launcher.bgw_type, BGW_MAXLEN, "necp launcher");
	snprintf(launcher.bgw_library_name, BGW_MAXLEN, "necpgame");
	snprintf(launcher.bgw_function_name, BGW_MAXLEN, "necp_launcher_main");
	launcher.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	launcher.bgw_start_time = BgWorkerStart_RecoveryFinished;
	launcher.bgw_restart_time = 1;
	RegisterBackgroundWorker(&launcher);
}
