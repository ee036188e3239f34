/* SPDX-License-Identifier: PostgreSQL
 *
 * Jobs live on the heap, because a client can go at any time while the database or a password
 * thread still holds its job. Spare ones are kept per thread.
 */
#include "edge.h"

#define MAX_FREE 256

/* h2o empties the request's pool: the connection has closed, or the answer has been sent. */
static void
on_request_gone(void *memory)
{
	EdgeJob *job = *(EdgeJob **) memory;

	if (job == NULL)
		return;
	job->anchor = NULL;
	necp_edge_job_end(job);
}

EdgeJob *
necp_edge_job_new(EdgeThread *thread, h2o_req_t *req)
{
	EdgeJob *job = thread->free_jobs;

	if (job != NULL)
	{
		thread->free_jobs = job->next_free;
		thread->nfree_jobs--;
	}
	else
		job = necp_alloc(sizeof(EdgeJob));
	memset(job, 0, offsetof(EdgeJob, bound));
	job->thread = thread;
	job->req = req;
	job->start_us = necp_now_us();
	job->anchor = h2o_mem_alloc_shared(&req->pool, sizeof(EdgeJob *), on_request_gone);
	*job->anchor = job;
	thread->jobs++;
	return job;
}

static void
free_job(EdgeJob *job)
{
	EdgeThread *thread = job->thread;

	if (job->bound_used)
		necp_bound_free(&job->bound);
	necp_routes_unref(job->routes);
	thread->jobs--;
	if (thread->nfree_jobs >= MAX_FREE)
	{
		free(job);
		return;
	}
	job->next_free = thread->free_jobs;
	thread->free_jobs = job;
	thread->nfree_jobs++;
}

void
necp_edge_job_end(EdgeJob *job)
{
	if (job->anchor != NULL)
		*job->anchor = NULL;
	job->anchor = NULL;
	job->req = NULL;
	if (h2o_timeout_is_linked(&job->timeout))
		h2o_timeout_unlink(&job->timeout);
	if (job->waiting)
		necp_edge_password_abandon(job);
	else
		free_job(job);
}

/* Something comes while the request is being worked on; it stays in the kernel until h2o asks. */
static void
on_early_input(h2o_socket_t *sock, const char *err)
{
	h2o_socket_read_stop(sock);
	h2o_socket_dont_read(sock, 0);
}

/*
 * h2o stops reading during a request and starts again after the answer: two epoll_ctl per request
 * that waits for the database. Staying subscribed, without reading, costs none.
 */
void
necp_edge_job_hold(EdgeJob *job)
{
	h2o_socket_t *sock;

	job->waiting = true;
	if (job->holds_socket || job->req == NULL)
		return;
	sock = job->req->conn->callbacks->get_socket(job->req->conn);
	h2o_socket_dont_read(sock, 1);
	h2o_socket_read_start(sock, on_early_input);
	job->holds_socket = true;
}

void
necp_edge_job_release_socket(EdgeJob *job)
{
	if (!job->holds_socket)
		return;
	on_early_input(job->req->conn->callbacks->get_socket(job->req->conn), NULL);
	job->holds_socket = false;
}

bool
necp_edge_job_resume(EdgeJob *job)
{
	job->waiting = false;
	if (job->req != NULL)
		return true;
	free_job(job);
	return false;
}
