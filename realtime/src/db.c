/* SPDX-License-Identifier: PostgreSQL
 *
 * Pool, listener and the calls to SQL.
 */
#include <stdlib.h>
#include <time.h>

#include "db.h"
#include "log.h"
#include "turn.h"

#define BYTEA_OID 17u
#define ASK_KEYS_AGAIN_MS 3000

NecpPool *necp_db_pool;
NecpRoutes *necp_db_routes;

static NecpListener *listener;
static NecpKeys *keys;
static bool asking_keys;
static uint64_t keys_asked_ms; /* when the database last said which there are */
static NecpTokenCache *tokens;
static DbEvents events;
static bool configured;
static NecpStatement statements[DB_FUNCTIONS];

static const Oid bytea_type[] = {BYTEA_OID};

static const struct
{
	const char *sql;
	int nparams;
	NecpLane lane;
	bool repeatable;
} functions[DB_FUNCTIONS] = {
	[DB_CONNECT] = {"SELECT necp.realtime_connect($1::uuid, $2::text, $3::text)",
					3,
					NECP_LANE_COMMAND,
					false},
	[DB_SESSION] = {"SELECT necp.realtime_session($1::uuid)", 1, NECP_LANE_READ, true},
	[DB_DISCONNECT] = {"SELECT necp.realtime_disconnect($1::uuid, $2::text)",
					   2,
					   NECP_LANE_COMMAND,
					   true},
	[DB_TOUCH] = {"SELECT necp.realtime_touch($1::uuid[])", 1, NECP_LANE_COMMAND, true},
	[DB_SUBSCRIBE] = {"SELECT necp.subscribe($1::uuid, $2::text)", 2, NECP_LANE_READ, true},
	[DB_KEYS] = {NECP_KEYS_QUERY, 0, NECP_LANE_READ, true},
	[DB_EXCHANGE] = {"SELECT necp.world_exchange($1)", 1, NECP_LANE_READ, false},
};

static void
on_config(void *arg, NecpConfig *config)
{
	NecpLogLevel level;

	if (necp_log_level_by_name(necp_config_text(config, "log.level", "info"), &level))
		necp_log_set_level(level);
	necp_settings_load(config);
	configured = true;
}

static void
on_routes(void *arg, NecpRoutes *routes)
{
	necp_routes_unref(necp_db_routes);
	necp_db_routes = routes;
}

static void
on_keys(void *arg, NecpKeys *fresh)
{
	necp_keys_unref(keys);
	keys = fresh;
}

static void
on_notify(void *arg, const char *channel, const char *payload)
{
	if (strcmp(channel, "necp_push") == 0)
		events.notified(payload);
}

static void
on_up(void *arg)
{
	necp_log(NECP_LOG_INFO, "listening to the database");
	events.listening();
}

static void
on_down(void *arg)
{
	necp_log(NECP_LOG_WARNING, "the database is away");
}

static void
start_listener(const Options *options)
{
	static const char *const channels[] = {"necp_push", NULL};
	NecpListenerConfig config = {
		.conninfo = options->db,
		.application_name = "necp-realtime",
		.extra = channels,
		.callbacks = {on_config, on_routes, on_keys, on_notify, on_up, on_down},
	};

	listener = necp_listener_new(necp_turn_ops(), &config);
}

void
necp_db_start(const Options *options, const DbEvents *wanted)
{
	NecpPoolConfig config;

	events = *wanted;
	for (int i = 0; i < DB_FUNCTIONS; i++)
		necp_statement_init(&statements[i],
							0,
							functions[i].sql,
							functions[i].nparams,
							i == DB_EXCHANGE ? bytea_type : NULL);
	statements[DB_EXCHANGE].result_format = 1;
	tokens = necp_token_cache_new(4096);
	necp_pool_config_init(&config);
	config.conninfo = options->db;
	config.application_name = "necp-realtime";
	config.queue = 8192; /* all clients may come back at once */
	config.connections[NECP_LANE_READ] = options->connections / 2;
	config.connections[NECP_LANE_COMMAND] = options->connections - options->connections / 2;
	necp_db_pool = necp_pool_new(necp_turn_ops(), &config);
	start_listener(options);
}

void
necp_db_stop(void)
{
	necp_listener_free(listener);
	necp_pool_free(necp_db_pool);
	necp_db_pool = NULL;
	necp_token_cache_free(tokens);
	necp_keys_unref(keys);
	necp_routes_unref(necp_db_routes);
}

void
necp_db_tick(void)
{
	necp_listener_tick(listener);
}

void
necp_db_turn(void)
{
	if (necp_db_pool != NULL)
		necp_pool_turn(necp_db_pool);
}

bool
necp_db_is_ready(void)
{
	return configured && keys != NULL && necp_db_routes != NULL && necp_listener_is_up(listener) &&
		   necp_pool_is_up(necp_db_pool, NECP_LANE_READ) &&
		   necp_pool_is_up(necp_db_pool, NECP_LANE_COMMAND);
}

static void
on_done(NecpRequest *request, NecpOutcome outcome, const PGresult *result)
{
	DbCall *call = (DbCall *) (void *) request;

	call->done(call, outcome, result);
	if (call->client != NULL)
		necp_client_unref(call->client);
	free(call);
}

/* One allocation for the call and its values. */
static DbCall *
make_call(const char *const values[3])
{
	size_t length = 0;
	DbCall *call;
	char *p;

	for (int i = 0; i < 3; i++)
		length += values[i] != NULL ? strlen(values[i]) + 1 : 0;
	call = necp_alloc(sizeof(*call) + length);
	memset(call, 0, sizeof(*call));
	p = call->text;
	for (int i = 0; i < 3; i++)
	{
		if (values[i] == NULL)
			continue;
		call->values[i] = p;
		p = stpcpy(p, values[i]) + 1;
	}
	return call;
}

bool
necp_db_call(DbFunction function, Client *client, void *arg, DbDone done,
			 const char *const values[3])
{
	DbCall *call = make_call(values);

	call->request.statement = &statements[function];
	call->request.values = call->values;
	call->request.lane = functions[function].lane;
	call->request.repeatable = functions[function].repeatable;
	call->request.done = on_done;
	call->arg = arg;
	call->done = done;
	if (necp_db_pool == NULL || !necp_pool_submit(necp_db_pool, &call->request))
	{
		free(call);
		return false;
	}
	if (client != NULL)
		call->client = necp_client_ref(client);
	return true;
}

static void (*exchange_done)(NecpOutcome outcome, const PGresult *result);

static void
on_exchanged(NecpRequest *request, NecpOutcome outcome, const PGresult *result)
{
	exchange_done(outcome, result);
}

bool
necp_db_exchange(const void *data, size_t length,
				 void (*done)(NecpOutcome outcome, const PGresult *result))
{
	static const int binary[] = {1};
	static const char *values[1];
	static int lengths[1];
	static NecpRequest request;

	values[0] = data;
	lengths[0] = (int) length;
	request = (NecpRequest){
		.statement = &statements[DB_EXCHANGE],
		.values = values,
		.lengths = lengths,
		.formats = binary,
		.lane = functions[DB_EXCHANGE].lane,
		.done = on_exchanged,
	};
	exchange_done = done;
	return necp_db_pool != NULL && necp_pool_submit(necp_db_pool, &request);
}

void
necp_db_problem(NecpProblem *problem, NecpOutcome outcome, const PGresult *result)
{
	if (outcome == NECP_OUTCOME_TIMEOUT)
		necp_problem_set(problem, NECP_TIMEOUT, NULL, NULL);
	else
		necp_problem_from_result(problem, outcome == NECP_OUTCOME_ERROR ? result : NULL);
}

NecpErrorCode
necp_db_check_token(NecpSlice token, NecpClaims *claims)
{
	return keys == NULL ? NECP_UNAVAILABLE
						: necp_token_check(tokens, keys, token, (int64_t) time(NULL), claims);
}

bool
necp_db_wants_keys(NecpSlice token)
{
	return keys != NULL && necp_token_names_other_key(keys, token) &&
		   (keys_asked_ms == 0 || necp_now_ms() - keys_asked_ms >= ASK_KEYS_AGAIN_MS);
}

typedef struct KeysAsked
{
	void (*done)(Client *client, const char *token, bool known);
	char token[];
} KeysAsked;

static void
on_keys_asked(DbCall *call, NecpOutcome outcome, const PGresult *result)
{
	KeysAsked *asked = call->arg;
	NecpKeys *fresh = outcome == NECP_OUTCOME_ROWS ? necp_keys_build(result) : NULL;

	asking_keys = false;
	if (fresh != NULL)
	{
		keys_asked_ms = necp_now_ms();
		if (necp_keys_equal(fresh, keys))
			necp_keys_unref(fresh);
		else
			on_keys(NULL, fresh);
	}
	asked->done(call->client, asked->token, fresh != NULL);
	free(asked);
}

bool
necp_db_ask_keys(Client *client, const char *token,
				 void (*done)(Client *client, const char *token, bool known))
{
	static const char *const none[3] = {NULL, NULL, NULL};
	KeysAsked *asked;

	if (asking_keys)
		return false;
	asked = necp_alloc(sizeof(*asked) + strlen(token) + 1);
	asked->done = done;
	strcpy(asked->token, token);
	asking_keys = necp_db_call(DB_KEYS, client, asked, on_keys_asked, none);
	if (!asking_keys)
		free(asked);
	return asking_keys;
}
