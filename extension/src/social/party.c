/* SPDX-License-Identifier: PostgreSQL
 *
 * What players ask of parties (DOMAIN §17). Lock order: the session (of who comes in), the party, the
 * invitation. Nobody's character is locked: whoever selects or deletes one holds it while he locks its
 * party.
 */
#include "postgres.h"

#include "auth/session.h"
#include "character/character.h"
#include "kernel/args.h"
#include "kernel/clock.h"
#include "kernel/config.h"
#include "kernel/errors.h"
#include "kernel/event.h"
#include "kernel/identity.h"
#include "kernel/json.h"
#include "kernel/list.h"
#include "kernel/room.h"
#include "kernel/spi.h"
#include "social/notification.h"
#include "social/party_int.h"

#define DONE "{\"done\":true}"
#define INVITE_VIEW                                                                                \
	"to_json(ROW(i.id, i.party_id, i.character_id, i.invited_by,"                                  \
	" (SELECT c.name FROM game.characters c WHERE c.id = i.invited_by), i.created_at,"             \
	" i.expires_at)::necp.party_invite_view)"

static const char *const roles[] = {"TANK", "HEALER", "DPS", "SUPPORT", NULL};
static const char *const loot_modes[] = {"FREE_FOR_ALL",
										 "PERSONAL",
										 "NEED_GREED",
										 "MASTER_LOOTER",
										 NULL};
static const char *const rarities[] =
	{"COMMON", "UNCOMMON", "RARE", "EPIC", "LEGENDARY", "UNIQUE", NULL};

static NecpPlan insert_party =
	NECP_PLAN("INSERT INTO game.parties (leader_id, capacity, created_at) VALUES ($1, $2, $3)"
			  " RETURNING id",
			  INT8OID, INT4OID, TIMESTAMPTZOID);
static NecpPlan expire_invite =
	NECP_PLAN("UPDATE game.party_invites SET status = 'EXPIRED' WHERE party_id = $1"
			  " AND character_id = $2 AND status = 'PENDING' AND expires_at <= $3",
			  INT8OID, INT8OID, TIMESTAMPTZOID);
static NecpPlan pending_invite =
	NECP_PLAN("SELECT FROM game.party_invites WHERE party_id = $1 AND character_id = $2"
			  " AND status = 'PENDING'",
			  INT8OID, INT8OID);
static NecpPlan insert_invite = NECP_PLAN(
	"INSERT INTO game.party_invites AS i (party_id, character_id, invited_by, created_at, expires_at)"
	" VALUES ($1, $2, $3, $4, $5) RETURNING id, " INVITE_VIEW,
	INT8OID, INT8OID, INT8OID, TIMESTAMPTZOID, TIMESTAMPTZOID);
static NecpPlan list_invites =
	NECP_PLAN("SELECT " INVITE_VIEW ", i.id FROM game.party_invites i"
			  " WHERE i.character_id = $1 AND i.status = 'PENDING' AND i.expires_at > $2"
			  " AND i.id > $3 ORDER BY i.id LIMIT $4",
			  INT8OID, TIMESTAMPTZOID, INT8OID, INT4OID);
static NecpPlan find_invite =
	NECP_PLAN("SELECT party_id FROM game.party_invites WHERE id = $1 AND character_id = $2",
			  INT8OID, INT8OID);
static NecpPlan lock_invite =
	NECP_PLAN("SELECT status, expires_at FROM game.party_invites WHERE id = $1 FOR NO KEY UPDATE",
			  INT8OID);
static NecpPlan answer_invite =
	NECP_PLAN("UPDATE game.party_invites SET status = $2 WHERE id = $1", INT8OID, TEXTOID);
static NecpPlan set_member =
	NECP_PLAN("UPDATE game.party_members SET role = $2, assistant = $3 WHERE character_id = $1",
			  INT8OID, TEXTOID, BOOLOID);
static NecpPlan ask_ready =
	NECP_PLAN("UPDATE game.party_members SET ready = CASE WHEN character_id = $2 THEN true END"
			  " WHERE party_id = $1",
			  INT8OID, INT8OID);
static NecpPlan answer_ready =
	NECP_PLAN("UPDATE game.party_members SET ready = $2 WHERE character_id = $1", INT8OID, BOOLOID);
static NecpPlan grow =
	NECP_PLAN("UPDATE game.parties SET raid = true, capacity = $2 WHERE id = $1", INT8OID, INT4OID);

/* Whose party ---------------------------------------------------------------------------------- */

static void
fail_partyless(void)
{
	necp_fail(NOT_FOUND, NULL, "the character is in no party");
}

/* Locks the acting character's party as the clock has left it; NOT_FOUND. */
static void
own_party(NecpParty *party)
{
	int64 party_id = necp_party_row(necp_character());

	if (party_id == 0 || !necp_party_read(party_id, true, party))
		fail_partyless();
	(void) necp_party_settle(party);
	if (party->disbanded || necp_party_member(party, necp_character()) == NULL)
		fail_partyless();
}

static void
require_leader(const NecpParty *party)
{
	if (party->leader_id != necp_character())
		necp_fail(NOT_LEADER, NULL, "only the leader of the party may do this");
}

static void
require_assistant(NecpParty *party)
{
	if (!necp_party_member(party, necp_character())->assistant)
		require_leader(party);
}

static void
require_thawed(const NecpParty *party)
{
	if (party->frozen != NULL)
		necp_fail(FROZEN, NULL, "nobody comes or goes for now: %s", party->frozen);
}

static NecpPartyMember *
require_member(NecpParty *party, int64 character_id)
{
	NecpPartyMember *member = necp_party_member(party, character_id);

	if (member == NULL)
		necp_fail(NOT_FOUND, "character_id", "this character is not in the party");
	return member;
}

/* Saves and shows. */
static Datum
party_answer(NecpParty *party)
{
	necp_party_save(party);
	return necp_cstring_datum(necp_party_view(party));
}

static void
emit(const NecpParty *party, const char *type, char *data)
{
	necp_event_emit(&(NecpEvent){.type = type,
								 .aggregate_type = "PARTY",
								 .aggregate_id = party->id,
								 .data = data});
}

/* Beginning and end ---------------------------------------------------------------------------- */

/* Whoever closes the session waits, and finds the member then. */
NECP_FUNCTION(necp_party_create)
{
	int64 character_id = necp_character();
	NecpParty party;

	necp_session_lock(&necp_session()->id);
	if (necp_party_row(character_id) != 0)
		necp_fail(ALREADY_IN_PARTY, NULL, "the character is in a party already");
	necp_run(&insert_party,
			 character_id,
			 necp_config_int("party.size"),
			 TimestampTzGetDatum(necp_now()));
	(void) necp_party_read(necp_int8(0, 1), true, &party);
	necp_party_request(&party, character_id, true, "CREATED");
	emit(&party, "PARTY_CREATED", NULL);
	necp_party_join(&party, character_id, "CREATED");
	return party_answer(&party);
}

/* Asks the live world as well, so it does not run on a standby. */
NECP_FUNCTION(necp_party_get)
{
	NecpParty party;

	if (!necp_party_read(necp_party_of(necp_character()), false, &party))
		fail_partyless();
	return necp_cstring_datum(necp_party_view(&party));
}

NECP_FUNCTION(necp_party_delete)
{
	NecpParty party;

	own_party(&party);
	require_leader(&party);
	require_thawed(&party);
	for (int i = 0; i < party.nmembers; i++)
		necp_party_request(&party, party.members[i].character_id, false, "DISBANDED");
	necp_party_disband(&party, "LEADER");
	return necp_cstring_datum(DONE);
}

/* Invitations ---------------------------------------------------------------------------------- */

static void
tell_invited(const NecpParty *party, const NecpCharacter *guest, int64 invite_id)
{
	NecpCharacter host = {.name = ""};
	NecpJson json;
	char *data;
	NecpEvent event = {.type = "PLAYER_INVITED_TO_PARTY",
					   .aggregate_type = "PARTY",
					   .aggregate_id = party->id};

	necp_json_open(&json);
	necp_json_int(&json, "invite_id", invite_id);
	necp_json_int(&json, "party_id", party->id);
	necp_json_int(&json, "character_id", guest->id);
	necp_json_int(&json, "invited_by", necp_character());
	event.data = data = necp_json_close(&json);
	necp_event_emit(&event);
	(void) necp_character_read(necp_character(), &host);
	necp_notify(&(NecpNotice){.account_id = guest->account_id,
							  .event_id = event.id,
							  .type = "PARTY_INVITE",
							  .priority = "NORMAL",
							  .title = "Party invitation",
							  .message = psprintf("%s invites you to a party.", host.name),
							  .data = data});
}

static Datum
invite(const NecpParty *party, const NecpCharacter *guest)
{
	TimestampTz now = necp_now();
	int64 life = necp_config_int("party.invite_s");
	Datum answer;
	bool isnull;

	necp_run(&expire_invite, party->id, guest->id, TimestampTzGetDatum(now));
	if (necp_run(&pending_invite, party->id, guest->id) > 0)
		necp_fail(CONFLICT, "character_id", "this character is invited already");
	necp_run(&insert_invite,
			 party->id,
			 guest->id,
			 necp_character(),
			 TimestampTzGetDatum(now),
			 TimestampTzGetDatum(now + life * USECS_PER_SEC));
	answer = necp_datum(0, 2, &isnull);
	tell_invited(party, guest, necp_int8(0, 1));
	return answer;
}

NECP_FUNCTION(necp_party_invite)
{
	int64 character_id = necp_arg_id(fcinfo, 0, "character_id");
	NecpCharacter guest;
	NecpParty party;

	own_party(&party);
	require_assistant(&party);
	require_thawed(&party);
	if (!necp_character_read(character_id, &guest))
		necp_fail(NOT_FOUND, "character_id", "character not found");
	if (necp_party_row(character_id) != 0)
		necp_fail(TARGET_IN_PARTY, "character_id", "this character is in a party already");
	if (party.nmembers >= party.capacity)
		necp_fail(PARTY_FULL, NULL, "all %d seats of the party are taken", party.capacity);
	return invite(&party, &guest);
}

NECP_FUNCTION(necp_party_invites)
{
	int32 limit = necp_arg_limit(fcinfo, 0);
	int64 after = PG_ARGISNULL(1) ? 0 : necp_arg_id(fcinfo, 1, "cursor");

	return necp_list(&list_invites,
					 limit,
					 necp_character(),
					 TimestampTzGetDatum(necp_now()),
					 after,
					 limit + 1);
}

/* The party of an invitation to the acting character; another's is NOT_FOUND. */
static int64
invited_to(int64 invite_id)
{
	if (necp_run(&find_invite, invite_id, necp_character()) == 0)
		necp_fail(NOT_FOUND, "invite_id", "invitation not found");
	return necp_int8(0, 1);
}

/* Locks an invitation that waits for an answer. */
static void
take_invite(int64 invite_id)
{
	if (necp_run(&lock_invite, invite_id) == 0)
		necp_fail(NOT_FOUND, "invite_id", "invitation not found");
	if (strcmp(necp_text(0, 1), "EXPIRED") == 0 || necp_timestamp(0, 2) <= necp_now())
		necp_fail(INVITE_EXPIRED, "invite_id", "the invitation has expired");
	if (strcmp(necp_text(0, 1), "PENDING") != 0)
		necp_fail(CONFLICT, "invite_id", "the invitation was answered before");
}

NECP_FUNCTION(necp_party_accept)
{
	int64 invite_id = necp_arg_id(fcinfo, 0, "invite_id");
	int64 character_id = necp_character();
	int64 party_id = invited_to(invite_id);
	NecpParty party;
	bool there;

	necp_session_lock(&necp_session()->id);
	there = necp_party_read(party_id, true, &party);
	if (there)
		(void) necp_party_settle(&party);
	take_invite(invite_id);
	if (!there || party.disbanded)
		necp_fail(INVITE_EXPIRED, "invite_id", "the party has been disbanded");
	if (necp_party_row(character_id) != 0)
		necp_fail(ALREADY_IN_PARTY, NULL, "the character is in a party already");
	require_thawed(&party);
	necp_party_request(&party, character_id, true, "ACCEPTED");
	necp_party_join(&party, character_id, "ACCEPTED");
	necp_run(&answer_invite, invite_id, necp_cstring_datum("ACCEPTED"));
	return party_answer(&party);
}

NECP_FUNCTION(necp_party_decline)
{
	int64 invite_id = necp_arg_id(fcinfo, 0, "invite_id");

	(void) invited_to(invite_id);
	take_invite(invite_id);
	necp_run(&answer_invite, invite_id, necp_cstring_datum("DECLINED"));
	return necp_cstring_datum(DONE);
}

/* Leaving -------------------------------------------------------------------------------------- */

static Datum
part(NecpParty *party, int64 character_id, const char *reason)
{
	require_thawed(party);
	necp_party_request(party, character_id, false, reason);
	necp_party_part(party, character_id, reason);
	necp_party_close_ranks(party);
	necp_party_save(party);
	return necp_cstring_datum(DONE);
}

NECP_FUNCTION(necp_party_leave)
{
	NecpParty party;

	own_party(&party);
	return part(&party, necp_character(), "LEFT");
}

NECP_FUNCTION(necp_party_kick)
{
	int64 character_id = necp_arg_id(fcinfo, 0, "character_id");
	NecpParty party;

	own_party(&party);
	require_leader(&party);
	(void) require_member(&party, character_id);
	if (character_id == necp_character())
		necp_fail(VALIDATION, "character_id", "who wants to go leaves");
	return part(&party, character_id, "KICKED");
}

/* Ranks, roles, loot --------------------------------------------------------------------------- */

NECP_FUNCTION(necp_party_leader)
{
	int64 character_id = necp_arg_id(fcinfo, 0, "character_id");
	NecpParty party;

	own_party(&party);
	require_leader(&party);
	if (require_member(&party, character_id)->presence == NECP_PARTY_OFFLINE)
		necp_fail(CONFLICT, "character_id", "this member is not online");
	if (character_id != party.leader_id)
		necp_party_lead(&party, character_id);
	return party_answer(&party);
}

/* One's own role; the leader gives out others' and makes assistants. */
NECP_FUNCTION(necp_party_role)
{
	const char *role = PG_ARGISNULL(0) ? NULL : necp_arg_word(fcinfo, 0, "role", roles);
	int64 character_id =
		PG_ARGISNULL(1) ? necp_character() : necp_arg_id(fcinfo, 1, "character_id");
	NecpPartyMember *member;
	NecpParty party;

	if (role == NULL && PG_ARGISNULL(2))
		necp_fail(VALIDATION, "role", "neither a role nor an assistant is named");
	own_party(&party);
	if (character_id != necp_character() || !PG_ARGISNULL(2))
		require_leader(&party);
	member = require_member(&party, character_id);
	if (role != NULL)
		member->role = role;
	if (!PG_ARGISNULL(2))
		member->assistant = PG_GETARG_BOOL(2);
	necp_run(&set_member,
			 character_id,
			 necp_cstring_datum(member->role),
			 BoolGetDatum(member->assistant));
	return party_answer(&party);
}

static void
emit_loot(const NecpParty *party)
{
	NecpJson data;

	necp_json_open(&data);
	necp_json_text(&data, "mode", party->loot_mode);
	necp_json_text(&data, "threshold", party->loot_threshold);
	if (party->master_looter_id != 0)
		necp_json_int(&data, "master_looter_id", party->master_looter_id);
	emit(party, "PARTY_LOOT_CHANGED", necp_json_close(&data));
}

/* For what drops from now on: a drop keeps the mode and the eligible of its source's death. */
NECP_FUNCTION(necp_party_loot)
{
	const char *mode = PG_ARGISNULL(0) ? NULL : necp_arg_word(fcinfo, 0, "mode", loot_modes);
	const char *threshold =
		PG_ARGISNULL(1) ? NULL : necp_arg_word(fcinfo, 1, "threshold", rarities);
	int64 master = PG_ARGISNULL(2) ? 0 : necp_arg_id(fcinfo, 2, "master_looter_id");
	NecpParty party;

	if (mode == NULL && threshold == NULL && master == 0)
		necp_fail(VALIDATION, "mode", "nothing is named that could be changed");
	own_party(&party);
	require_leader(&party);
	if (mode != NULL)
		party.loot_mode = mode;
	if (threshold != NULL)
		party.loot_threshold = threshold;
	if (strcmp(party.loot_mode, "MASTER_LOOTER") != 0)
	{
		if (master != 0)
			necp_fail(VALIDATION, "master_looter_id", "this mode knows no master looter");
		party.master_looter_id = 0;
	}
	else if (master != 0)
	{
		if (necp_party_member(&party, master) == NULL)
			necp_fail(NOT_FOUND, "master_looter_id", "this character is not in the party");
		party.master_looter_id = master;
	}
	emit_loot(&party);
	return party_answer(&party);
}

/* Ready checks --------------------------------------------------------------------------------- */

/* Ends the check early where all have answered. */
static Datum
ready_answer(NecpParty *party)
{
	party->ready_open = false;
	for (int i = 0; i < party->nmembers; i++)
		party->ready_open = party->ready_open || party->members[i].ready < 0;
	return party_answer(party);
}

/* Who asks is ready. */
NECP_FUNCTION(necp_party_ready_check)
{
	NecpParty party;

	own_party(&party);
	require_assistant(&party);
	if (party.ready_open)
		necp_fail(CONFLICT, NULL, "a ready check is running");
	party.ready_until = necp_now() + necp_config_int("party.ready_s") * USECS_PER_SEC;
	necp_run(&ask_ready, party.id, necp_character());
	for (int i = 0; i < party.nmembers; i++)
		party.members[i].ready = party.members[i].character_id == necp_character() ? 1 : -1;
	return ready_answer(&party);
}

/* May be changed as long as somebody else has not answered. */
NECP_FUNCTION(necp_party_ready_respond)
{
	NecpParty party;

	necp_arg_required(fcinfo, 0, "ready");
	own_party(&party);
	if (!party.ready_open)
		necp_fail(CONFLICT, NULL, "no ready check is running");
	necp_run(&answer_ready, necp_character(), BoolGetDatum(PG_GETARG_BOOL(0)));
	necp_party_member(&party, necp_character())->ready = PG_GETARG_BOOL(0) ? 1 : 0;
	return ready_answer(&party);
}

/* Raids ---------------------------------------------------------------------------------------- */

NECP_FUNCTION(necp_party_convert)
{
	NecpParty party;

	own_party(&party);
	require_leader(&party);
	require_thawed(&party);
	if (party.raid)
		necp_fail(CONFLICT, NULL, "the party is a raid already");
	party.raid = true;
	party.capacity = (int32) necp_config_int("party.raid_size");
	necp_run(&grow, party.id, party.capacity);
	return party_answer(&party);
}

/* For others ----------------------------------------------------------------------------------- */

/* party_topic(party_id): who listens to a party's topics. */
NECP_FUNCTION(necp_party_topic_allows)
{
	PG_RETURN_BOOL(necp_session()->character_id != 0 &&
				   necp_party_has(PG_GETARG_INT64(0), necp_session()->character_id));
}

/* party_freeze(party_id, reason): null thaws it. */
NECP_FUNCTION(necp_party_freeze_sql)
{
	int64 party_id = necp_arg_id(fcinfo, 0, "party_id");

	if (PG_ARGISNULL(1))
		necp_party_unfreeze(party_id);
	else
		necp_party_freeze(party_id, necp_arg_text(fcinfo, 1, "reason", 1, 100));
	PG_RETURN_VOID();
}

NECP_ROOM_INIT(party)
{
	necp_party_work_init();
}
