/* SPDX-License-Identifier: PostgreSQL
 *
 * The second factor (DOMAIN §1): codes by time after RFC 6238 (HMAC-SHA-1, six digits, 30 s), one
 * step early or late, no step twice; and ten backup codes, each once.
 *
 * Lock order: account, its second factor, its backup codes.
 */
#include "postgres.h"

#include "auth/email.h"
#include "auth/twofactor.h"
#include "kernel/args.h"
#include "kernel/clock.h"
#include "kernel/config.h"
#include "kernel/errors.h"
#include "kernel/event.h"
#include "kernel/identity.h"
#include "kernel/json.h"
#include "kernel/random.h"
#include "kernel/room.h"
#include "kernel/spi.h"
#include "kernel/view.h"

#include "common/hmac.h"
#include "common/sha1.h"
#include "utils/builtins.h"

#define SECRET_BYTES 20
#define STEP_S 30
#define DIGITS 6
#define MODULUS 1000000
#define BACKUP_CODES 10
#define BACKUP_BYTES 10
#define BACKUP_CHARS 16 /* base32 of BACKUP_BYTES */
#define ISSUER "NECPGAME"

static NecpPlan find_password =
	NECP_PLAN("SELECT password_hash FROM game.accounts WHERE id = $1", INT8OID);
static NecpPlan lock_account =
	NECP_PLAN("SELECT password_hash, email FROM game.accounts WHERE id = $1 FOR NO KEY UPDATE",
			  INT8OID);
static NecpPlan lock_factor =
	NECP_PLAN("SELECT secret, last_step, enabled_at IS NOT NULL, expires_at"
			  " FROM game.account_twofactor WHERE account_id = $1 FOR NO KEY UPDATE",
			  INT8OID);
static NecpPlan store_setup = NECP_PLAN(
	"INSERT INTO game.account_twofactor (account_id, secret, created_at, expires_at)"
	" VALUES ($1, $2, $3, $4) ON CONFLICT (account_id) DO UPDATE SET secret = excluded.secret,"
	" created_at = excluded.created_at, expires_at = excluded.expires_at"
	" WHERE account_twofactor.enabled_at IS NULL",
	INT8OID, BYTEAOID, TIMESTAMPTZOID, TIMESTAMPTZOID);
static NecpPlan turn_on =
	NECP_PLAN("UPDATE game.account_twofactor SET enabled_at = $2, expires_at = NULL"
			  " WHERE account_id = $1",
			  INT8OID, TIMESTAMPTZOID);
static NecpPlan note_step =
	NECP_PLAN("UPDATE game.account_twofactor SET last_step = $2 WHERE account_id = $1", INT8OID,
			  INT8OID);
static NecpPlan turn_off =
	NECP_PLAN("DELETE FROM game.account_twofactor WHERE account_id = $1", INT8OID);
static NecpPlan insert_code =
	NECP_PLAN("INSERT INTO game.backup_codes (account_id, digest, created_at) VALUES ($1, $2, $3)",
			  INT8OID, BYTEAOID, TIMESTAMPTZOID);
static NecpPlan spend_code = NECP_PLAN("UPDATE game.backup_codes SET used_at = $3"
									   " WHERE account_id = $1 AND digest = $2 AND used_at IS NULL",
									   INT8OID, BYTEAOID, TIMESTAMPTZOID);
static NecpPlan forget_codes =
	NECP_PLAN("DELETE FROM game.backup_codes WHERE account_id = $1", INT8OID);

/* Codes ------------------------------------------------------------------------------------------ */

/* Base32 of RFC 4648 without padding, palloc'd. */
static char *
base32(const uint8 *bytes, int len)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
	char *text = palloc(len * 8 / 5 + 2);
	char *p = text;
	uint32 held = 0;
	int bits = 0;

	for (int i = 0; i < len; i++)
	{
		held = (held << 8 | bytes[i]) & 0xfff;
		for (bits += 8; bits >= 5; bits -= 5)
			*p++ = alphabet[held >> (bits - 5) & 31];
	}
	if (bits > 0)
		*p++ = alphabet[held << (5 - bits) & 31];
	*p = '\0';
	return text;
}

/* The code of a step, six digits and a NUL (RFC 4226 §5.3, RFC 6238). */
static void
code_of_step(const uint8 *secret, int len, int64 step, char code[DIGITS + 1])
{
	pg_hmac_ctx *context = pg_hmac_create(PG_SHA1);
	uint8 counter[8];
	uint8 mac[SHA1_DIGEST_LENGTH];
	const uint8 *cut;
	uint32 number;

	for (int i = 0; i < 8; i++)
		counter[i] = (uint8) (step >> (56 - 8 * i));
	if (context == NULL || pg_hmac_init(context, secret, len) < 0 ||
		pg_hmac_update(context, counter, sizeof(counter)) < 0 ||
		pg_hmac_final(context, mac, sizeof(mac)) < 0)
		elog(ERROR, "could not compute a code");
	pg_hmac_free(context);
	cut = mac + (mac[sizeof(mac) - 1] & 0xf);
	number = (uint32) (cut[0] & 0x7f) << 24 | cut[1] << 16 | cut[2] << 8 | cut[3];
	snprintf(code, DIGITS + 1, "%06u", number % MODULUS);
}

/* Takes as long for a wrong code as for a right one. */
static bool
same_code(const char *a, const char *b)
{
	int difference = 0;

	for (int i = 0; i < DIGITS; i++)
		difference |= a[i] ^ b[i];
	return difference == 0;
}

static bool
is_totp(const char *code)
{
	return strlen(code) == DIGITS && strspn(code, "0123456789") == DIGITS;
}

static int64
step_now(void)
{
	static const int64 epoch =
		(int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY * USECS_PER_SEC;

	return (necp_now() + epoch) / USECS_PER_SEC / STEP_S;
}

/* The step around now that has this code and comes after the last one used; 0 if none. */
static int64
matching_step(const bytea *secret, const char *code, int64 last_step)
{
	int64 now = step_now();
	int64 found = 0;

	for (int64 step = now - 1; step <= now + 1; step++)
	{
		char expected[DIGITS + 1];

		code_of_step((const uint8 *) VARDATA_ANY(secret),
					 (int) VARSIZE_ANY_EXHDR(secret),
					 step,
					 expected);
		if (same_code(expected, code) && step > last_step && found == 0)
			found = step;
	}
	return found;
}

/* Four groups of four, as people copy them; NULL where it cannot be a backup code. */
static char *
plain_backup_code(const char *code)
{
	char *plain = palloc(BACKUP_CHARS + 1);
	int len = 0;

	for (; *code != '\0'; code++)
	{
		if (*code == '-' || *code == ' ')
			continue;
		if (len == BACKUP_CHARS)
			return NULL;
		plain[len++] = pg_ascii_toupper((unsigned char) *code);
	}
	plain[len] = '\0';
	return len == BACKUP_CHARS ? plain : NULL;
}

static Datum
digest_of_code(int64 account_id, const char *plain)
{
	return PointerGetDatum(necp_digest(psprintf(INT64_FORMAT ":%s", account_id, plain)));
}

static bool
spend_backup_code(int64 account_id, const char *code)
{
	char *plain = plain_backup_code(code);

	return plain != NULL && necp_run(&spend_code,
									 account_id,
									 digest_of_code(account_id, plain),
									 TimestampTzGetDatum(necp_now())) > 0;
}

/* Spends a code of the factor whose row lock_factor has just read. */
static bool
spend_totp(int64 account_id, const char *code)
{
	bool isnull;
	bytea *secret = DatumGetByteaPP(necp_datum(0, 1, &isnull));
	int64 step = matching_step(secret, code, necp_int8(0, 2));

	if (step == 0)
		return false;
	necp_run(&note_step, account_id, step);
	return true;
}

NecpTwoFactor
necp_twofactor_check(int64 account_id, const char *code)
{
	bool passed;

	if (necp_run(&lock_factor, account_id) == 0 || !necp_bool(0, 3))
		return NECP_2FA_OFF;
	if (code == NULL)
		return NECP_2FA_MISSING;
	passed = is_totp(code) ? spend_totp(account_id, code) : spend_backup_code(account_id, code);
	return passed ? NECP_2FA_PASSED : NECP_2FA_WRONG;
}

/* Endpoints -------------------------------------------------------------------------------------- */

/* Locks the own account; returns its address, and leaves its password's hash in column 1. */
static char *
lock_own(int64 account_id)
{
	if (necp_run(&lock_account, account_id) == 0)
		necp_fail(UNAUTHENTICATED, NULL, "the session has ended");
	return necp_text(0, 2);
}

/* Locks the own account and compares the hash that the edge verified; returns the address. */
static char *
require_password(FunctionCallInfo fcinfo, int n, int64 account_id)
{
	char *email = lock_own(account_id);

	if (PG_ARGISNULL(n) || strcmp(text_to_cstring(PG_GETARG_TEXT_PP(n)), necp_text(0, 1)) != 0)
		necp_fail(INVALID_CREDENTIALS, "password", "the password is wrong");
	return email;
}

/* An event, and a mail: whoever did not do it should know. Neither holds a secret. */
static void
announce(const char *type, int64 account_id, const char *email)
{
	necp_email_send(account_id, email, "TWO_FACTOR_CHANGED", NULL);
	necp_event_emit(&(NecpEvent){.type = type,
								 .aggregate_type = "ACCOUNT",
								 .aggregate_id = account_id,
								 .account_id = account_id});
}

NECP_FUNCTION(necp_twofactor_lookup)
{
	if (necp_run(&find_password, necp_account()) == 0)
		PG_RETURN_NULL();
	return necp_cstring_datum(necp_text(0, 1));
}

/* otpauth://totp/NECPGAME:ann%40example.com?secret=…&issuer=NECPGAME */
static char *
otpauth_uri(const char *email, const char *secret)
{
	static const char plain[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
	StringInfoData uri;

	initStringInfo(&uri);
	appendStringInfoString(&uri, "otpauth://totp/" ISSUER ":");
	for (const char *p = email; *p != '\0'; p++)
	{
		if (strchr(plain, *p) != NULL)
			appendStringInfoChar(&uri, *p);
		else
			appendStringInfo(&uri, "%%%02X", (unsigned char) *p);
	}
	appendStringInfo(&uri,
					 "?secret=%s&issuer=" ISSUER "&algorithm=SHA1&digits=%d&period=%d",
					 secret,
					 DIGITS,
					 STEP_S);
	return uri.data;
}

/* A secret that waits for its first code; one that waited before is forgotten. */
NECP_FUNCTION(necp_twofactor_enable)
{
	int64 account_id = necp_account();
	TimestampTz now = necp_now();
	TimestampTz end = now + necp_config_int("auth.2fa_setup_s") * USECS_PER_SEC;
	bytea *secret = palloc(VARHDRSZ + SECRET_BYTES);
	char *email;
	char *text;

	email = require_password(fcinfo, 0, account_id);
	SET_VARSIZE(secret, VARHDRSZ + SECRET_BYTES);
	necp_random_secret(VARDATA(secret), SECRET_BYTES);
	if (necp_run(&store_setup,
				 account_id,
				 PointerGetDatum(secret),
				 TimestampTzGetDatum(now),
				 TimestampTzGetDatum(end)) == 0)
		necp_fail(CONFLICT, NULL, "a second factor is on already");
	text = base32((const uint8 *) VARDATA(secret), SECRET_BYTES);
	return necp_view("twofactor_setup_view",
					 (Datum[]){necp_cstring_datum(text),
							   necp_cstring_datum(otpauth_uri(email, text)),
							   TimestampTzGetDatum(end)},
					 (bool[]){false, false, false});
}

/* Makes a backup code, stores its digest and returns it as XXXX-XXXX-XXXX-XXXX. */
static char *
make_backup_code(int64 account_id)
{
	uint8 bytes[BACKUP_BYTES];
	char *plain;

	necp_random_secret(bytes, sizeof(bytes));
	plain = base32(bytes, sizeof(bytes));
	necp_run(&insert_code,
			 account_id,
			 digest_of_code(account_id, plain),
			 TimestampTzGetDatum(necp_now()));
	return psprintf("%.4s-%.4s-%.4s-%.4s", plain, plain + 4, plain + 8, plain + 12);
}

static Datum
make_backup_codes(int64 account_id)
{
	NecpJson answer;
	StringInfoData list;

	necp_run(&forget_codes, account_id);
	initStringInfo(&list);
	for (int i = 0; i < BACKUP_CODES; i++)
		appendStringInfo(&list, "%s\"%s\"", i > 0 ? "," : "[", make_backup_code(account_id));
	appendStringInfoChar(&list, ']');
	necp_json_open(&answer);
	necp_json_raw(&answer, "backup_codes", list.data);
	return necp_cstring_datum(necp_json_close(&answer));
}

NECP_FUNCTION(necp_twofactor_verify)
{
	char *code = necp_arg_text(fcinfo, 0, "code", 1, 64);
	int64 account_id = necp_account();
	TimestampTz now = necp_now();
	char *email = lock_own(account_id);

	if (necp_run(&lock_factor, account_id) == 0)
		necp_fail(CONFLICT, NULL, "no second factor waits for a code");
	if (necp_bool(0, 3))
		necp_fail(CONFLICT, NULL, "a second factor is on already");
	if (necp_timestamp(0, 4) <= now)
		necp_fail(VERIFICATION_EXPIRED, NULL, "the setup has expired: begin again");
	if (!is_totp(code) || !spend_totp(account_id, code))
		necp_fail(INVALID_2FA_CODE, "code", "the code is wrong, or was used before");
	necp_run(&turn_on, account_id, TimestampTzGetDatum(now));
	announce("TWO_FACTOR_ENABLED", account_id, email);
	return make_backup_codes(account_id);
}

NECP_FUNCTION(necp_twofactor_disable)
{
	char *code = necp_arg_text(fcinfo, 0, "code", 1, 64);
	int64 account_id = necp_account();
	char *email = require_password(fcinfo, 1, account_id);

	switch (necp_twofactor_check(account_id, code))
	{
		case NECP_2FA_PASSED:
			break;
		case NECP_2FA_OFF:
			necp_fail(CONFLICT, NULL, "no second factor is on");
		default:
			necp_fail(INVALID_2FA_CODE, "code", "the code is wrong, or was used before");
	}
	necp_run(&forget_codes, account_id);
	necp_run(&turn_off, account_id);
	announce("TWO_FACTOR_DISABLED", account_id, email);
	return necp_cstring_datum("{\"done\":true}");
}

/* For tests: what authenticators compute too. */
NECP_FUNCTION(necp_totp)
{
	bytea *secret;
	char code[DIGITS + 1];

	necp_arg_required(fcinfo, 0, "secret");
	necp_arg_required(fcinfo, 1, "step");
	secret = PG_GETARG_BYTEA_PP(0);
	code_of_step((const uint8 *) VARDATA_ANY(secret),
				 (int) VARSIZE_ANY_EXHDR(secret),
				 PG_GETARG_INT64(1),
				 code);
	return necp_cstring_datum(code);
}

NECP_FUNCTION(necp_base32)
{
	bytea *bytes;

	necp_arg_required(fcinfo, 0, "bytes");
	bytes = PG_GETARG_BYTEA_PP(0);
	return necp_cstring_datum(
		base32((const uint8 *) VARDATA_ANY(bytes), (int) VARSIZE_ANY_EXHDR(bytes)));
}

NECP_ROOM_INIT(twofactor)
{
	/* nothing runs by itself: a setup that expired is refused, and the next one replaces it */
}
