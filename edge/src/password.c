/* SPDX-License-Identifier: PostgreSQL
 *
 * Passwords: Argon2id in a few threads of their own behind a bounded queue (docs/interfaces.md §4).
 * A password never leaves this process; the threads read it from the job, which outlives its task.
 */
#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "edge.h"
#include "log.h"

/* The current password and what it may not be again: the earlier ones (DOMAIN §1). */
#define MAX_STORED 4

#define NICENESS 10
/* The machine is short of processors when a hash takes that much longer than its own time, and others
 * are being served when there are that many of them in a second. */
#define CROWDED 1.25
#define SERVING 500

typedef struct EdgePasswordTask
{
	struct EdgePasswordTask *next;
	EdgeJob *job;
	const char *known;  /* to verify against the first of stored, or NULL */
	const char *chosen; /* to hash, or NULL */
	int nstored;
	atomic_bool abandoned; /* the client has gone */
	bool verified;
	bool reused; /* chosen is one of stored */
	bool hashed;
	char stored[MAX_STORED][crypto_pwhash_STRBYTES]; /* what the lookup gave */
	char hash[crypto_pwhash_STRBYTES];
} EdgePasswordTask;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t work = PTHREAD_COND_INITIALIZER;
static EdgePasswordTask *queue;
static EdgePasswordTask **queue_tail = &queue;
static int queued;
static int queue_max = 1;
static int nthreads;
static size_t memory = 19456 * 1024;
static unsigned ops = 2;
static double share = 0.15;  /* of the machine, for hashes while others are being served */
static atomic_ullong others; /* requests answered without a password */
static NecpMetric *waiting;

/* What is verified where there is no account, so that both take equally long. */
static void
make_dummy(char dummy[crypto_pwhash_STRBYTES], size_t with_memory, unsigned with_ops)
{
	static const char password[] = "there is no such account";

	if (crypto_pwhash_str(dummy, password, sizeof(password) - 1, with_ops, with_memory) != 0)
		dummy[0] = '\0';
}

static bool
matches(const char *hash, const char *password)
{
	return crypto_pwhash_str_verify(hash, password, strlen(password)) == 0;
}

/* What was not proven gets no further work: nobody buys four hashes with a wrong password. */
static void
run_task(EdgePasswordTask *task, const char *dummy, size_t with_memory, unsigned with_ops)
{
	if (task->known != NULL)
	{
		bool matched = matches(task->nstored > 0 ? task->stored[0] : dummy, task->known);

		task->verified = matched && task->nstored > 0;
		if (!task->verified)
			return;
	}
	if (task->chosen == NULL)
		return;
	for (int i = 0; i < task->nstored && !task->reused; i++)
		task->reused = matches(task->stored[i], task->chosen);
	task->hashed =
		crypto_pwhash_str(task->hash, task->chosen, strlen(task->chosen), with_ops, with_memory) ==
		0;
}

/*
 * A storm of logins must not slow down who is logged in: the loops, which wait most of the time, go
 * before the hashes. On Linux the priority set here is the calling thread's alone.
 */
static void
stand_back(void)
{
	(void) setpriority(PRIO_PROCESS, 0, NICENESS);
}

void
necp_edge_password_other(void)
{
	atomic_fetch_add_explicit(&others, 1, memory_order_relaxed);
}

static double
seconds_of(clockid_t clock)
{
	struct timespec at;

	clock_gettime(clock, &at);
	return (double) at.tv_sec + (double) at.tv_nsec / 1e9;
}

/* When a hash began: by the wall, by its thread's own time, and by what was answered until then. */
typedef struct Mark
{
	double wall;
	double own;
	unsigned long long others;
} Mark;

static Mark
mark(void)
{
	return (Mark){seconds_of(CLOCK_MONOTONIC), seconds_of(CLOCK_THREAD_CPUTIME_ID), others};
}

/*
 * Niceness does not reach beyond a group of processes (autogroups, containers), and the database is
 * another one. So the threads also rest between hashes, while both holds: processors are short, and
 * others than logins are being served. Logins alone get all there is.
 */
static void
rest_after(const Mark *start, double duty)
{
	Mark end = mark();
	double wall = end.wall - start->wall;
	double own = end.own - start->own;

	if (own <= 0 || duty >= 1 || wall < own * CROWDED ||
		(double) (end.others - start->others) < SERVING * wall)
		return;
	usleep((useconds_t) (own * (1 / duty - 1) * 1e6));
}

static void *
run_thread(void *arg)
{
	char dummy[crypto_pwhash_STRBYTES] = "";
	size_t dummy_memory = 0;
	unsigned dummy_ops = 0;

	stand_back();
	for (;;)
	{
		EdgePasswordTask *task;
		double duty; /* of this thread, where it has to rest */
		Mark start;

		pthread_mutex_lock(&lock);
		while (queue == NULL)
			pthread_cond_wait(&work, &lock);
		task = queue;
		queue = task->next;
		if (queue == NULL)
			queue_tail = &queue;
		queued--;
		duty = share * (double) sysconf(_SC_NPROCESSORS_ONLN) / nthreads;
		if (dummy_memory != memory || dummy_ops != ops)
		{
			dummy_memory = memory;
			dummy_ops = ops;
			dummy[0] = '\0';
		}
		pthread_mutex_unlock(&lock);
		necp_metric_add(waiting, -1);
		if (dummy[0] == '\0')
			make_dummy(dummy, dummy_memory, dummy_ops);
		start = mark();
		if (!task->abandoned)
			run_task(task, dummy, dummy_memory, dummy_ops);
		h2o_multithread_send_message(&task->job->thread->password_results, &task->job->message);
		rest_after(&start, duty);
	}
	return NULL;
}

void
necp_edge_password_init(void)
{
	waiting = necp_metric(necp_metric_family(NECP_GAUGE,
											 "necp_edge_password_waiting",
											 "Password hashes waiting for a thread.",
											 NULL));
}

/* Threads are only added; to have fewer takes a restart. */
void
necp_edge_password_configure(const EdgeSettings *settings)
{
	pthread_mutex_lock(&lock);
	memory = settings->argon2_memory;
	ops = settings->argon2_ops;
	queue_max = settings->password_queue;
	share = settings->password_share / 100.0;
	while (nthreads < settings->password_threads)
	{
		pthread_t id;

		if (pthread_create(&id, NULL, run_thread, NULL) != 0)
			break;
		pthread_detach(id);
		nthreads++;
	}
	pthread_mutex_unlock(&lock);
}

/* Nobody waits for the answer any more: what is in the queue is passed over. */
void
necp_edge_password_abandon(EdgeJob *job)
{
	if (job->task != NULL)
		job->task->abandoned = true;
}

/* Hands the task to the threads; answers UNAVAILABLE if the queue is full. */
static void
enqueue(EdgeJob *job)
{
	EdgePasswordTask *task = job->task;
	bool full;

	task->next = NULL;
	necp_edge_job_hold(job);
	pthread_mutex_lock(&lock);
	full = queued >= queue_max || nthreads == 0;
	if (!full)
	{
		*queue_tail = task;
		queue_tail = &task->next;
		queued++;
		pthread_cond_signal(&work);
	}
	pthread_mutex_unlock(&lock);
	if (!full)
	{
		necp_metric_add(waiting, 1);
		return;
	}
	job->waiting = false;
	necp_edge_refuse_code(job, NECP_UNAVAILABLE, NULL, "too many passwords are being checked");
}

/* One hash in a line. One that is too long is none that was made here, and nothing matches it. */
static void
take_stored(EdgePasswordTask *task, const char *lines)
{
	while (*lines != '\0' && task->nstored < MAX_STORED)
	{
		size_t len = strcspn(lines, "\n");
		char *stored = task->stored[task->nstored++];

		if (len < sizeof(task->stored[0]))
			memcpy(stored, lines, len);
		lines += len + (lines[len] == '\n');
	}
}

static void
on_looked_up(NecpRequest *request, NecpOutcome outcome, const PGresult *result)
{
	EdgeJob *job = (EdgeJob *) request;
	EdgePasswordTask *task = job->task;

	if (!necp_edge_job_resume(job))
		return;
	if (outcome != NECP_OUTCOME_ROWS)
	{
		necp_edge_refuse_outcome(job, outcome, result);
		return;
	}
	if (PQntuples(result) == 1 && !PQgetisnull(result, 0, 0))
		take_stored(task, PQgetvalue(result, 0, 0));
	enqueue(job);
}

void
necp_edge_password_start(EdgeJob *job)
{
	const NecpRoute *route = job->match.route;
	EdgePasswordTask *task;

	if (job->bound.password == NULL && job->bound.new_password == NULL)
	{
		necp_edge_call(job); /* an optional one that was not given */
		return;
	}
	task = necp_arena_alloc(&job->bound.arena, sizeof(EdgePasswordTask));
	*task = (EdgePasswordTask){.job = job,
							   .known = job->bound.password,
							   .chosen = job->bound.new_password};
	job->task = task;
	if (route->lookup.sql == NULL)
		enqueue(job);
	else
		necp_edge_submit(job, &route->lookup, NECP_LANE_READ, true, on_looked_up);
}

static void
take_result(EdgeJob *job)
{
	EdgePasswordTask *task = job->task;

	if (task->chosen != NULL && (task->known == NULL || task->verified) && !task->hashed)
	{
		necp_log(NECP_LOG_ERROR, "no memory to hash a password");
		necp_edge_refuse_code(job, NECP_UNAVAILABLE, NULL, NULL);
		return;
	}
	if (task->hashed)
	{
		necp_bind_edge(&job->bound, "password_hash", task->hash, strlen(task->hash));
		necp_bind_edge(&job->bound, "password_reused", task->reused ? "t" : "f", 1);
	}
	if (task->verified)
		necp_bind_edge(&job->bound, "verified_hash", task->stored[0], strlen(task->stored[0]));
	necp_edge_call(job);
}

void
necp_edge_password_receive(h2o_multithread_receiver_t *receiver, h2o_linklist_t *messages)
{
	while (!h2o_linklist_is_empty(messages))
	{
		EdgeJob *job = H2O_STRUCT_FROM_MEMBER(EdgeJob, message, messages->next);

		h2o_linklist_unlink(&job->message.link);
		if (necp_edge_job_resume(job))
			take_result(job);
	}
}
