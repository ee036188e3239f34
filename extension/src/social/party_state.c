/* SPDX-License-Identifier: PostgreSQL
 *
 * A party in memory and in its rows. All changes of a party and of its members are made with the
 * party's row locked, so that the members' rows need no locks of their own; that a character is in
 * one party only is the work of a unique key, not of a lock of the character.
 */
#include "postgres.h"

#include "character/character.h"
#include "kernel/clock.h"
#include "kernel/config.h"
#include "kernel/errors.h"
#include "kernel/event.h"
#include "kernel/json.h"
#include "kernel/push.h"
#include "kernel/spi.h"
#include "social/party_int.h"
#include "world/world.h"

#define MAX_CHECKS 16
#define NO_ANSWER (-1)

#define READ_PARTY                                                                                 \
	"SELECT leader_id, capacity::int, raid, loot_mode, loot_threshold, master_looter_id,"          \
	" frozen_reason, ready_open, ready_until, created_at, version"                                 \
	" FROM game.parties WHERE id = $1 AND status = 'ACTIVE'"

static NecpPlan read_party = NECP_PLAN(READ_PARTY, INT8OID);
static NecpPlan lock_party = NECP_PLAN(READ_PARTY " FOR NO KEY UPDATE", INT8OID);
static NecpPlan read_members =
	NECP_PLAN("SELECT m.character_id, m.role, m.assistant,"
			  " CASE m.presence WHEN 'ONLINE' THEN 0 WHEN 'AFK' THEN 1 ELSE 2 END,"
			  " m.joined_at, m.leaves_at, s.place_id, coalesce(m.ready::int, -1), m.seat::int"
			  " FROM game.party_members m"
			  " LEFT JOIN game.player_sessions s ON s.character_id = m.character_id"
			  " WHERE m.party_id = $1 ORDER BY m.character_id",
			  INT8OID);
static NecpPlan find_row =
	NECP_PLAN("SELECT party_id FROM game.party_members WHERE character_id = $1", INT8OID);
static NecpPlan find_party =
	NECP_PLAN("SELECT m.party_id FROM game.party_members m JOIN game.parties p ON p.id = m.party_id"
			  " WHERE m.character_id = $1"
			  " AND (m.leaves_at IS NULL OR m.leaves_at > $2 OR p.frozen_reason IS NOT NULL)",
			  INT8OID, TIMESTAMPTZOID);
static NecpPlan insert_member =
	NECP_PLAN("INSERT INTO game.party_members (character_id, party_id, capacity, seat, joined_at)"
			  " VALUES ($1, $2, $3, $4, $5)",
			  INT8OID, INT8OID, INT4OID, INT4OID, TIMESTAMPTZOID);
static NecpPlan delete_member =
	NECP_PLAN("DELETE FROM game.party_members WHERE character_id = $1 AND party_id = $2", INT8OID,
			  INT8OID);
static NecpPlan save_party =
	NECP_PLAN("UPDATE game.parties SET leader_id = $2, loot_mode = $3, loot_threshold = $4,"
			  " master_looter_id = nullif($5, 0), frozen_reason = nullif($6, ''), ready_open = $7,"
			  " ready_until = $8, version = version + 1 WHERE id = $1 RETURNING version",
			  INT8OID, INT8OID, TEXTOID, TEXTOID, INT8OID, TEXTOID, BOOLOID, TIMESTAMPTZOID);
static NecpPlan end_party =
	NECP_PLAN("UPDATE game.parties SET status = 'DISBANDED', disbanded_at = $2, leader_id = NULL,"
			  " capacity = NULL, master_looter_id = NULL, frozen_reason = NULL, ready_open = false,"
			  " version = version + 1 WHERE id = $1 RETURNING version",
			  INT8OID, TIMESTAMPTZOID);
static NecpPlan void_invites = NECP_PLAN("UPDATE game.party_invites SET status = 'EXPIRED'"
										 " WHERE party_id = $1 AND status = 'PENDING'",
										 INT8OID);

/* Reading -------------------------------------------------------------------------------------- */

int64
necp_party_row(int64 character_id)
{
	return necp_run(&find_row, character_id) > 0 ? necp_int8(0, 1) : 0;
}

int64
necp_party_of(int64 character_id)
{
	return necp_run(&find_party, character_id, TimestampTzGetDatum(necp_now())) > 0
			   ? necp_int8(0, 1)
			   : 0;
}

bool
necp_party_has(int64 party_id, int64 character_id)
{
	return party_id != 0 && necp_party_of(character_id) == party_id;
}

static void
load_members(NecpParty *party)
{
	party->nmembers = (int) necp_run(&read_members, party->id);
	for (int i = 0; i < party->nmembers; i++)
	{
		uint64 row = (uint64) i;

		party->members[i] =
			(NecpPartyMember){.character_id = necp_int8(row, 1),
							  .role = necp_text(row, 2),
							  .assistant = necp_bool(row, 3),
							  .presence = (NecpPartyPresence) necp_int4(row, 4),
							  .joined_at = necp_timestamp(row, 5),
							  .leaves_at = necp_isnull(row, 6) ? 0 : necp_timestamp(row, 6),
							  .place_id = necp_int8(row, 7),
							  .ready = necp_int4(row, 8),
							  .seat = (int16) necp_int4(row, 9)};
	}
}

bool
necp_party_read(int64 party_id, bool lock, NecpParty *party)
{
	if (necp_run(lock ? &lock_party : &read_party, party_id) == 0)
		return false;
	*party = (NecpParty){.id = party_id,
						 .leader_id = necp_int8(0, 1),
						 .capacity = necp_int4(0, 2),
						 .raid = necp_bool(0, 3),
						 .loot_mode = necp_text(0, 4),
						 .loot_threshold = necp_text(0, 5),
						 .master_looter_id = necp_int8(0, 6),
						 .frozen = necp_isnull(0, 7) ? NULL : necp_text(0, 7),
						 .ready_open = necp_bool(0, 8),
						 .ready_until = necp_isnull(0, 9) ? 0 : necp_timestamp(0, 9),
						 .created_at = necp_timestamp(0, 10),
						 .version = necp_int8(0, 11)};
	load_members(party);
	return true;
}

NecpPartyMember *
necp_party_member(NecpParty *party, int64 character_id)
{
	for (int i = 0; i < party->nmembers; i++)
		if (party->members[i].character_id == character_id)
			return &party->members[i];
	return NULL;
}

bool
necp_party_is_ready(const NecpParty *party)
{
	for (int i = 0; i < party->nmembers; i++)
		if (party->members[i].ready != 1)
			return false;
	return party->ready_until != 0;
}

char *
necp_party_topic(int64 party_id, const char *name)
{
	return psprintf("/topic/party/" INT64_FORMAT "/%s", party_id, name);
}

/* Showing -------------------------------------------------------------------------------------- */

/* Hit points are those of the world, where it has the character. */
static char *
member_view(const NecpParty *party, const NecpPartyMember *member)
{
	NecpCharacter character = {.name = ""};
	NecpEntity entity;
	NecpJson view;

	(void) necp_character_read(member->character_id, &character);
	if (necp_world_read(member->character_id, &entity))
	{
		character.hp = entity.state.hp;
		character.max_hp = entity.state.max_hp;
	}
	necp_json_open(&view);
	necp_json_int(&view, "character_id", member->character_id);
	necp_json_text(&view, "name", character.name);
	necp_json_int(&view, "level", character.level);
	necp_json_text(&view, "role", member->role);
	necp_json_bool(&view, "assistant", member->assistant);
	necp_json_int(&view, "hp", character.hp);
	necp_json_int(&view, "max_hp", character.max_hp);
	if (member->place_id != 0)
		necp_json_int(&view, "place_id", member->place_id);
	else
		necp_json_raw(&view, "place_id", NULL);
	necp_json_bool(&view, "online", member->presence != NECP_PARTY_OFFLINE);
	necp_json_bool(&view, "afk", member->presence == NECP_PARTY_AFK);
	necp_json_raw(&view,
				  "ready",
				  party->ready_until == 0 || member->ready == NO_ANSWER ? "null"
				  : member->ready == 1                                  ? "true"
																		: "false");
	necp_json_time(&view, "joined_at", member->joined_at);
	return necp_json_close(&view);
}

static char *
loot_view(const NecpParty *party)
{
	NecpJson view;

	necp_json_open(&view);
	necp_json_text(&view, "mode", party->loot_mode);
	necp_json_text(&view, "threshold", party->loot_threshold);
	if (strcmp(party->loot_mode, "MASTER_LOOTER") == 0)
		necp_json_int(&view,
					  "master_looter_id",
					  party->master_looter_id != 0 ? party->master_looter_id : party->leader_id);
	else
		necp_json_raw(&view, "master_looter_id", NULL);
	return necp_json_close(&view);
}

static char *
ready_view(const NecpParty *party)
{
	bool open = party->ready_open && party->ready_until > necp_now();
	NecpJson view;

	if (party->ready_until == 0)
		return NULL;
	necp_json_open(&view);
	necp_json_text(&view,
				   "status",
				   necp_party_is_ready(party) ? "READY"
				   : open                     ? "RUNNING"
											  : "NOT_READY");
	necp_json_time(&view, "expires_at", party->ready_until);
	return necp_json_close(&view);
}

char *
necp_party_view(const NecpParty *party)
{
	StringInfoData members;
	NecpJson view;

	initStringInfo(&members);
	for (int i = 0; i < party->nmembers; i++)
		appendStringInfo(&members,
						 "%c%s",
						 i == 0 ? '[' : ',',
						 member_view(party, &party->members[i]));
	appendStringInfoChar(&members, ']');
	necp_json_open(&view);
	necp_json_int(&view, "party_id", party->id);
	necp_json_int(&view, "leader_id", party->leader_id);
	necp_json_bool(&view, "raid", party->raid);
	necp_json_int(&view, "capacity", party->capacity);
	necp_json_bool(&view, "frozen", party->frozen != NULL);
	necp_json_raw(&view, "members", members.data);
	necp_json_raw(&view, "loot", loot_view(party));
	necp_json_raw(&view, "ready_check", ready_view(party));
	necp_json_int(&view, "version", party->version);
	necp_json_time(&view, "created_at", party->created_at);
	return necp_json_close(&view);
}

void
necp_party_tell(const NecpParty *party, const char *type, int64 version, const char *data)
{
	necp_push(necp_party_topic(party->id, "state"), type, version, data);
}

void
necp_party_save(NecpParty *party)
{
	if (party->disbanded)
		return;
	necp_run_nulls(&save_party,
				   party->ready_until == 0 ? "       n" : "        ",
				   party->id,
				   party->leader_id,
				   necp_cstring_datum(party->loot_mode),
				   necp_cstring_datum(party->loot_threshold),
				   party->master_looter_id,
				   necp_cstring_datum(party->frozen != NULL ? party->frozen : ""),
				   BoolGetDatum(party->ready_open),
				   TimestampTzGetDatum(party->ready_until));
	party->version = necp_int8(0, 1);
	necp_party_tell(party, "PARTY_STATE", party->version, necp_party_view(party));
}

/* Coming --------------------------------------------------------------------------------------- */

static void (*checks[MAX_CHECKS])(const NecpPartyChange *change);
static int nchecks;

void
necp_party_on_request(void (*check)(const NecpPartyChange *change))
{
	if (nchecks == MAX_CHECKS)
		elog(ERROR, "too many checks of parties");
	checks[nchecks++] = check;
}

void
necp_party_request(const NecpParty *party, int64 character_id, bool joins, const char *reason)
{
	NecpPartyChange change = {party->id, character_id, joins, reason};

	for (int i = 0; i < nchecks; i++)
		checks[i](&change);
}

static void
emit(const char *type, const NecpPartyChange *change)
{
	NecpJson data;

	necp_json_open(&data);
	necp_json_int(&data, "character_id", change->character_id);
	necp_json_text(&data, "reason", change->reason);
	necp_event_emit(&(NecpEvent){.type = type,
								 .aggregate_type = "PARTY",
								 .aggregate_id = change->party_id,
								 .character_id = change->character_id,
								 .data = necp_json_close(&data),
								 .detail = change});
}

static int
free_seat(const NecpParty *party)
{
	uint64 taken = 0;

	for (int i = 0; i < party->nmembers; i++)
		taken |= UINT64CONST(1) << party->members[i].seat;
	for (int seat = 1; seat <= party->capacity; seat++)
		if (!(taken & (UINT64CONST(1) << seat)))
			return seat;
	necp_fail(PARTY_FULL, NULL, "all %d seats of the party are taken", party->capacity);
	return 0;
}

void
necp_party_join(NecpParty *party, int64 character_id, const char *reason)
{
	int seat = free_seat(party);

	necp_run(&insert_member,
			 character_id,
			 party->id,
			 party->capacity,
			 seat,
			 TimestampTzGetDatum(necp_now()));
	load_members(party);
	emit("PLAYER_JOINED_PARTY", &(NecpPartyChange){party->id, character_id, true, reason});
}

/* Going ---------------------------------------------------------------------------------------- */

/* Chat's topic too: whoever may listen to it is a member. */
static void
hush(int64 party_id, const char *who, int64 id)
{
	static const char *const names[] = {"state", "loot", "chat"};

	for (size_t i = 0; i < lengthof(names); i++)
		necp_push_unsubscribe(necp_party_topic(party_id, names[i]), who, id);
}

void
necp_party_part(NecpParty *party, int64 character_id, const char *reason)
{
	NecpPartyMember *member = necp_party_member(party, character_id);
	int after = party->nmembers - (int) (member - party->members) - 1;

	necp_run(&delete_member, character_id, party->id);
	memmove(member, member + 1, sizeof(*member) * (size_t) after);
	party->nmembers--;
	if (party->master_looter_id == character_id)
		party->master_looter_id = 0;
	hush(party->id, "character", character_id);
	emit("PLAYER_LEFT_PARTY", &(NecpPartyChange){party->id, character_id, false, reason});
}

void
necp_party_disband(NecpParty *party, const char *reason)
{
	NecpJson data;
	char *json;

	necp_json_open(&data);
	necp_json_int(&data, "party_id", party->id);
	necp_json_text(&data, "reason", reason);
	json = necp_json_close(&data);
	party->disbanded = true;
	necp_party_tell(party, "PARTY_DISBANDED", party->version + 1, json);
	hush(party->id, "all", 0);
	while (party->nmembers > 0)
		necp_party_part(party, party->members[0].character_id, "DISBANDED");
	necp_run(&void_invites, party->id);
	necp_run(&end_party, party->id, TimestampTzGetDatum(necp_now()));
	party->version = necp_int8(0, 1);
	necp_event_emit(&(NecpEvent){.type = "PARTY_DISBANDED",
								 .aggregate_type = "PARTY",
								 .aggregate_id = party->id,
								 .data = json});
}

/* Leading -------------------------------------------------------------------------------------- */

NecpPartyMember *
necp_party_heir(NecpParty *party)
{
	NecpPartyMember *heir = NULL;

	for (int i = 0; i < party->nmembers; i++)
	{
		NecpPartyMember *member = &party->members[i];

		if (member->character_id != party->leader_id &&
			(heir == NULL || member->presence < heir->presence ||
			 (member->presence == heir->presence && member->joined_at < heir->joined_at)))
			heir = member;
	}
	return heir;
}

void
necp_party_lead(NecpParty *party, int64 character_id)
{
	NecpJson data;

	necp_json_open(&data);
	necp_json_int(&data, "leader_id", character_id);
	necp_json_int(&data, "former_leader_id", party->leader_id);
	party->leader_id = character_id;
	necp_event_emit(&(NecpEvent){.type = "PARTY_LEADER_CHANGED",
								 .aggregate_type = "PARTY",
								 .aggregate_id = party->id,
								 .character_id = character_id,
								 .data = necp_json_close(&data)});
}

void
necp_party_close_ranks(NecpParty *party)
{
	if (party->nmembers <= 1)
		necp_party_disband(party, "ALONE");
	else if (necp_party_member(party, party->leader_id) == NULL)
		necp_party_lead(party, necp_party_heir(party)->character_id);
}

/* The clock ------------------------------------------------------------------------------------ */

/* Members whose time to come back has run out; returns how many. */
static int
leave_behind(NecpParty *party, TimestampTz now)
{
	int gone = 0;

	for (int i = party->nmembers - 1; i >= 0; i--)
	{
		const NecpPartyMember *member = &party->members[i];

		if (member->leaves_at == 0 || member->leaves_at > now)
			continue;
		necp_party_part(party, member->character_id, "AWAY");
		gone++;
	}
	return gone;
}

bool
necp_party_settle(NecpParty *party)
{
	TimestampTz now = necp_now();
	bool changed = false;

	if (party->ready_open && party->ready_until <= now)
	{
		party->ready_open = false;
		changed = true;
	}
	if (party->frozen == NULL && leave_behind(party, now) > 0)
	{
		necp_party_close_ranks(party);
		changed = true;
	}
	return changed;
}

/* Freezing ------------------------------------------------------------------------------------- */

void
necp_party_freeze(int64 party_id, const char *reason)
{
	NecpParty party;

	if (!necp_party_read(party_id, true, &party))
		necp_fail(NOT_FOUND, "party_id", "party " INT64_FORMAT " is not there", party_id);
	if (necp_party_settle(&party) && party.disbanded)
		necp_fail(NOT_FOUND, "party_id", "party " INT64_FORMAT " is not there", party_id);
	if (party.frozen != NULL)
		necp_fail(FROZEN, NULL, "the party is frozen: %s", party.frozen);
	party.frozen = reason;
	necp_party_save(&party);
}

/* Who went away meanwhile goes now. */
void
necp_party_unfreeze(int64 party_id)
{
	NecpParty party;

	if (!necp_party_read(party_id, true, &party) || party.frozen == NULL)
		return;
	party.frozen = NULL;
	(void) necp_party_settle(&party);
	necp_party_save(&party);
}
