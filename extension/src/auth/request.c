/* SPDX-License-Identifier: PostgreSQL
 *
 * Mails on request of whoever knows an address (DOMAIN §2): a new password, a new verification. The
 * request is one insert, the same for somebody's address and for nobody's; a job looks into it and
 * writes the mail. Lock order: requests, accounts by ascending id.
 */
#include "postgres.h"

#include "auth/auth.h"
#include "auth/email.h"
#include "auth/token.h"
#include "kernel/clock.h"
#include "kernel/config.h"
#include "kernel/json.h"
#include "kernel/room.h"
#include "kernel/spi.h"
#include "kernel/workers.h"

static NecpPlan insert_request =
	NECP_PLAN("INSERT INTO game.mail_requests (purpose, digest, email, requested_at)"
			  " VALUES ($1, sha256(convert_to(lower($2), 'UTF8')), $2, $3)",
			  TEXTOID, TEXTOID, TIMESTAMPTZOID);
/* Whether a mail is to be sent: the account is there, wants it, and did not get too many. */
static NecpPlan open_requests = NECP_PLAN(
	"SELECT r.id, r.purpose, a.id, a.email, a.id IS NOT NULL AND " NECP_ACCOUNT_RETURNS
	" AND (r.purpose <> 'VERIFY_EMAIL' OR a.email_verified_at IS NULL)"
	" AND (SELECT count(*) FROM game.mail_requests e WHERE e.digest = r.digest"
	"      AND e.purpose = r.purpose AND e.id < r.id"
	"      AND e.requested_at > r.requested_at - interval '1 hour') < $1"
	" FROM game.mail_requests r LEFT JOIN game.accounts a ON lower(a.email) = lower(r.email)"
	" WHERE r.email IS NOT NULL ORDER BY a.id, r.id LIMIT 50 FOR UPDATE OF r SKIP LOCKED",
	INT8OID, TIMESTAMPTZOID);
static NecpPlan close_request =
	NECP_PLAN("UPDATE game.mail_requests SET email = NULL WHERE id = $1", INT8OID);
static NecpPlan forget_requests =
	NECP_PLAN("DELETE FROM game.mail_requests WHERE id IN (SELECT id FROM game.mail_requests"
			  " WHERE email IS NULL AND requested_at <= $1 - interval '1 hour'"
			  " ORDER BY id LIMIT 1000)",
			  TIMESTAMPTZOID);

static Datum
request(FunctionCallInfo fcinfo, const char *purpose)
{
	char *email = necp_email_arg(fcinfo, 0, "email");

	necp_run(&insert_request,
			 necp_cstring_datum(purpose),
			 necp_cstring_datum(email),
			 TimestampTzGetDatum(necp_now()));
	return necp_cstring_datum("{\"done\":true}");
}

NECP_FUNCTION(necp_auth_forgot_password)
{
	return request(fcinfo, "RESET_PASSWORD");
}

NECP_FUNCTION(necp_auth_resend_verification)
{
	return request(fcinfo, "VERIFY_EMAIL");
}

static void
send_token(int64 account_id, const char *email, const char *purpose)
{
	bool reset = strcmp(purpose, "RESET_PASSWORD") == 0;
	NecpJson data;

	necp_json_open(&data);
	necp_json_text(&data,
				   "token",
				   necp_token_issue(account_id,
									purpose,
									necp_config_int(reset ? "auth.reset_s" : "auth.verify_s")));
	necp_email_send(account_id, email, purpose, necp_json_close(&data));
}

static void
answer_requests(void *arg)
{
	NecpRows requests = necp_fetch(&open_requests,
								   necp_config_int("auth.mails_per_hour"),
								   TimestampTzGetDatum(necp_account_deadline()));

	for (uint64 row = 0; row < requests.count; row++)
	{
		if (necp_row_bool(&requests, row, 5))
			send_token(necp_row_int8(&requests, row, 3),
					   necp_row_text(&requests, row, 4),
					   necp_row_text(&requests, row, 2));
		necp_run(&close_request, necp_row_int8(&requests, row, 1));
	}
	necp_run(&forget_requests, TimestampTzGetDatum(necp_now()));
}

NECP_ROOM_INIT(request)
{
	necp_schedule("mail_requests", 1, answer_requests);
}
