/* SPDX-License-Identifier: PostgreSQL
 *
 * Connects, listens, works whenever it is told to and every 30 s besides; on SIGTERM it finishes the
 * mail in hand, gives the others back and ends.
 */
#include <curl/curl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "config.h"
#include "log.h"
#include "loop.h"
#include "mailer.h"

#define LOOK_MS 30000
#define FIRST_PAUSE_MS 250
#define LAST_PAUSE_MS 5000

typedef struct Options
{
	const char *db;
	const char *node;
	const char *spool;
} Options;

static int stop_fd;
static uint64_t stopped_ms; /* 0: not yet */

bool
necp_mailer_stopping(void)
{
	struct pollfd poll_fd = {.fd = stop_fd, .events = POLLIN};

	if (stopped_ms == 0 && poll(&poll_fd, 1, 0) > 0)
		stopped_ms = necp_now_ms();
	return stopped_ms != 0;
}

uint64_t
necp_mailer_stopping_ms(void)
{
	return necp_mailer_stopping() ? necp_now_ms() - stopped_ms : 0;
}

/* Waits for the signal, for fd (-1: none) or for the time. */
static void
wait_for(int fd, int ms)
{
	struct pollfd fds[] = {{.fd = stop_fd, .events = POLLIN}, {.fd = fd, .events = POLLIN}};

	poll(fds, fd < 0 ? 1 : 2, ms);
}

static bool
parse_options(Options *options, int argc, char **argv)
{
	const NecpFlag flags[] =
		{{"--db", NECP_FLAG_TEXT, &options->db, "CONNINFO", "database to connect to", true, 0, 0},
		 {"--node",
		  NECP_FLAG_TEXT,
		  &options->node,
		  "NAME",
		  "name of this process (default: host name and pid)",
		  false,
		  0,
		  0},
		 {"--spool",
		  NECP_FLAG_TEXT,
		  &options->spool,
		  "DIR",
		  "folder for mails where mail.transport is spool",
		  false,
		  0,
		  0},
		 {0}};

	if (!necp_flags_parse(flags, "necp-mailer", argc, argv))
		return false;
	if (options->spool != NULL && access(options->spool, W_OK | X_OK) != 0)
	{
		fprintf(stderr, "necp-mailer: cannot write into --spool %s\n", options->spool);
		return false;
	}
	return true;
}

/* Notices would stand between the lines of the log; what matters of them is in the error message. */
static void
drop_notice(void *arg, const PGresult *result)
{
}

/* A line for the log about what the connection complains of. */
static void
log_lost(PGconn *conn, const char *what)
{
	NecpBuf *line = necp_log_begin(NECP_LOG_WARNING, what);
	const char *text = PQerrorMessage(conn);

	necp_log_text(line, "error", text, strcspn(text, "\n"));
	necp_log_end(NECP_LOG_WARNING);
}

static bool
run(PGconn *conn, const char *sql)
{
	PGresult *result = PQexec(conn, sql);
	bool ok = PQresultStatus(result) == PGRES_COMMAND_OK;

	PQclear(result);
	return ok;
}

static bool
load_settings(PGconn *conn, const Options *options, MailSettings *settings)
{
	PGresult *result = PQexec(conn, "SELECT necp.edge_config()");
	bool ok = PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 1;

	if (ok)
		necp_mailer_settings_load(settings, PQgetvalue(result, 0, 0), options->spool);
	PQclear(result);
	if (ok)
		necp_log(NECP_LOG_INFO, "configuration loaded");
	return ok;
}

/* An established connection that listens, or NULL. */
static PGconn *
connect_database(const Options *options, MailSettings *settings)
{
	const char *names[] = {"dbname",
						   "fallback_application_name",
						   "options",
						   "connect_timeout",
						   "tcp_user_timeout",
						   NULL};
	const char *values[] = {options->db,
							"necp-mailer",
							"-c statement_timeout=10s -c lock_timeout=5s",
							"5",
							"15000",
							NULL};
	PGconn *conn = PQconnectdbParams(names, values, 1);

	PQsetNoticeReceiver(conn, drop_notice, NULL);
	if (PQstatus(conn) == CONNECTION_OK && run(conn, "LISTEN necp_email") &&
		run(conn, "LISTEN necp_config") && load_settings(conn, options, settings))
	{
		necp_log(NECP_LOG_INFO, "connected");
		return conn;
	}
	log_lost(conn, "no database");
	PQfinish(conn);
	return NULL;
}

/*
 * Waits until there may be work; false where the connection is lost. What was notified during the last
 * work has been read with its answers: the socket will not tell of it again.
 */
static bool
wait_for_work(PGconn *conn, const Options *options, MailSettings *settings)
{
	PGnotify *notify = PQnotifies(conn);
	bool changed = false;

	if (notify == NULL)
	{
		wait_for(PQsocket(conn), LOOK_MS);
		if (!PQconsumeInput(conn))
			return false;
		notify = PQnotifies(conn);
	}
	for (; notify != NULL; notify = PQnotifies(conn))
	{
		changed = changed || strcmp(notify->relname, "necp_config") == 0;
		PQfreemem(notify);
	}
	return PQstatus(conn) == CONNECTION_OK && (!changed || load_settings(conn, options, settings));
}

/* Serves one connection until it is lost or we are to stop. */
static void
serve(PGconn *conn, const Options *options, MailSettings *settings)
{
	while (!necp_mailer_stopping())
	{
		bool more = false;

		if (settings->usable &&
			!necp_mailer_work(conn, settings, options->node, options->spool, &more))
		{
			if (PQstatus(conn) != CONNECTION_OK)
				return;
			wait_for(-1, LAST_PAUSE_MS); /* it refused, and would refuse again at once */
		}
		if (!more && !necp_mailer_stopping() && !wait_for_work(conn, options, settings))
			return;
	}
}

static void
block_signals(void)
{
	sigset_t signals;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	stop_fd = signalfd(-1, &signals, SFD_CLOEXEC);
}

int
main(int argc, char **argv)
{
	Options options = {0};
	MailSettings settings = {0};
	char host[64] = "mailer";
	char node[96];
	int pause_ms = FIRST_PAUSE_MS;

	if (!parse_options(&options, argc, argv))
		return 2;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0)
		return 1;
	gethostname(host, sizeof(host) - 1);
	snprintf(node, sizeof(node), "%s:%d", host, (int) getpid());
	if (options.node == NULL)
		options.node = node;
	block_signals();
	while (!necp_mailer_stopping())
	{
		PGconn *conn = connect_database(&options, &settings);

		if (conn != NULL)
		{
			pause_ms = FIRST_PAUSE_MS;
			serve(conn, &options, &settings);
			if (!necp_mailer_stopping())
				log_lost(conn, "lost the database");
			PQfinish(conn);
		}
		if (!necp_mailer_stopping())
			wait_for(-1, pause_ms);
		pause_ms = pause_ms * 2 > LAST_PAUSE_MS ? LAST_PAUSE_MS : pause_ms * 2;
	}
	necp_log(NECP_LOG_INFO, "stopped");
	necp_mailer_settings_free(&settings);
	curl_global_cleanup();
	necp_log_end_thread();
	return 0;
}
