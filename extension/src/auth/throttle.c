/* SPDX-License-Identifier: PostgreSQL
 *
 * Failed logins and their locks (DOMAIN §1). An e-mail address is counted whether or not it is
 * somebody's, so that locking tells nothing either. From its first threshold on every failure locks,
 * for as long as the count has reached; an attempt that meets a lock is not looked at and not counted.
 * Lock order: the e-mail address's advisory lock, account, its counter, the network address's counter.
 */
#include "postgres.h"

#include "auth/throttle.h"
#include "kernel/clock.h"
#include "kernel/config.h"
#include "kernel/errors.h"
#include "kernel/room.h"
#include "kernel/spi.h"
#include "kernel/workers.h"

#define LOCK_CLASS 1818

typedef struct Level
{
	const char *failures; /* settings */
	const char *seconds;
} Level;

static const Level email_levels[] = {
	{"auth.email_lock_1_failures", "auth.email_lock_1_s"},
	{"auth.email_lock_2_failures", "auth.email_lock_2_s"},
	{"auth.email_lock_3_failures", "auth.email_lock_3_s"},
};
static const Level address_levels[] = {
	{"auth.address_lock_1_failures", "auth.address_lock_1_s"},
	{"auth.address_lock_2_failures", "auth.address_lock_2_s"},
	{"auth.address_lock_3_failures", "auth.address_lock_3_s"},
	{"auth.address_lock_4_failures", "auth.address_lock_4_s"},
};

#define EMAIL_DIGEST "sha256(convert_to('email ' || lower($1), 'UTF8'))"

/* An IPv6 host has a /64 to choose from, and counts as one address, as in the edge's rates. */
static NecpPlan enter =
	NECP_PLAN("SELECT " EMAIL_DIGEST
			  ", sha256(convert_to('address ' || CASE family($2) WHEN 4 THEN host($2)"
			  " ELSE text(network(set_masklen($2, 64))) END, 'UTF8')),"
			  " pg_advisory_xact_lock($3, hashtext(lower($1)))",
			  TEXTOID, INETOID, INT4OID);
static NecpPlan find_locks =
	NECP_PLAN("SELECT digest = $1, ceil(extract(epoch FROM locked_until - $3))::int"
			  " FROM game.login_failures WHERE digest IN ($1, $2) AND locked_until > $3 ORDER BY 1",
			  BYTEAOID, BYTEAOID, TIMESTAMPTZOID);
static NecpPlan count_failure =
	NECP_PLAN("INSERT INTO game.login_failures AS f (digest, failures, last_failed_at)"
			  " VALUES ($1, 1, $2) ON CONFLICT (digest) DO UPDATE SET last_failed_at = $2,"
			  " failures = CASE WHEN f.last_failed_at > $3 THEN f.failures + 1 ELSE 1 END"
			  " RETURNING failures",
			  BYTEAOID, TIMESTAMPTZOID, TIMESTAMPTZOID);
static NecpPlan set_lock =
	NECP_PLAN("UPDATE game.login_failures SET locked_until = $2 WHERE digest = $1", BYTEAOID,
			  TIMESTAMPTZOID);
static NecpPlan clear_email =
	NECP_PLAN("DELETE FROM game.login_failures WHERE digest = " EMAIL_DIGEST, TEXTOID);
static NecpPlan fade = NECP_PLAN(
	"DELETE FROM game.login_failures WHERE digest IN (SELECT digest FROM game.login_failures"
	" WHERE last_failed_at <= $1 AND (locked_until IS NULL OR locked_until <= $2) LIMIT 1000)",
	TIMESTAMPTZOID, TIMESTAMPTZOID);
static NecpPlan forget_unknown =
	NECP_PLAN("DELETE FROM game.login_history WHERE id IN (SELECT id FROM game.login_history"
			  " WHERE account_id IS NULL AND at <= $1 LIMIT 1000)",
			  TIMESTAMPTZOID);

static TimestampTz
faded_since(TimestampTz now)
{
	return now - necp_config_int("auth.lock_fade_s") * USECS_PER_SEC;
}

static void
refuse_locked(const NecpThrottle *throttle)
{
	char nulls[] = "   ";
	int seconds;

	nulls[1] = throttle->address != 0 ? ' ' : 'n';
	if (necp_run_nulls(&find_locks,
					   nulls,
					   throttle->email,
					   throttle->address,
					   TimestampTzGetDatum(necp_now())) == 0)
		return;
	seconds = Max(necp_int4(0, 2), 1);
	if (!necp_bool(0, 1))
		ereport(ERROR,
				errcode(NECP_ERR_RATE_LIMITED),
				errmsg("too many failed logins from this address"),
				necp_errretry(seconds));
	ereport(ERROR,
			errcode(NECP_ERR_ACCOUNT_LOCKED),
			errmsg("too many failed logins: wait, or set a new password by e-mail"),
			necp_errretry(seconds));
}

NecpThrottle
necp_throttle_enter(const char *email, Datum client_ip)
{
	NecpThrottle throttle;
	char nulls[] = "   ";
	bool unknown;

	nulls[1] = client_ip != 0 ? ' ' : 'n';
	necp_run_nulls(&enter, nulls, necp_cstring_datum(email), client_ip, LOCK_CLASS);
	throttle.email = necp_datum(0, 1, &unknown);
	throttle.address = necp_datum(0, 2, &unknown);
	if (unknown)
		throttle.address = 0;
	refuse_locked(&throttle);
	return throttle;
}

/* Returns the level that the count has reached, 0 for none. */
static int
count(Datum digest, const Level *levels, int nlevels, int *failures)
{
	TimestampTz now = necp_now();
	int reached = 0;

	necp_run(&count_failure,
			 digest,
			 TimestampTzGetDatum(now),
			 TimestampTzGetDatum(faded_since(now)));
	*failures = necp_int4(0, 1);
	while (reached < nlevels && *failures >= necp_config_int(levels[reached].failures))
		reached++;
	if (reached > 0)
		necp_run(&set_lock,
				 digest,
				 TimestampTzGetDatum(now +
									 necp_config_int(levels[reached - 1].seconds) * USECS_PER_SEC));
	return reached;
}

bool
necp_throttle_fail(const NecpThrottle *throttle)
{
	int failures;
	int reached = count(throttle->email, email_levels, lengthof(email_levels), &failures);
	bool alarm = reached == lengthof(email_levels) &&
				 failures == necp_config_int(email_levels[reached - 1].failures);

	if (throttle->address != 0)
		count(throttle->address, address_levels, lengthof(address_levels), &failures);
	return alarm;
}

void
necp_throttle_clear(const char *email)
{
	necp_run(&clear_email, necp_cstring_datum(email));
}

static void
fade_failures(void *arg)
{
	TimestampTz now = necp_now();
	Datum since = TimestampTzGetDatum(faded_since(now));

	necp_run(&fade, since, TimestampTzGetDatum(now));
	necp_run(&forget_unknown, since);
}

NECP_ROOM_INIT(throttle)
{
	necp_schedule("throttle_fade", 60, fade_failures);
}
