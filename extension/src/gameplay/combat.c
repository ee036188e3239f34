/* SPDX-License-Identifier: PostgreSQL
 *
 * Combat (DOMAIN §8): server-decided blows. A blow that does not kill changes memory only; rows are
 * written when a fight begins, when somebody falls, and when it ends.
 *
 * One entity fights in one combat at a time (combat_participants_active_key). Lock order: the NPC's
 * row, the combat's row, its participants, characters. A kill is claimed in memory first, so of two
 * killers one gets as far as the rows.
 */
#include "postgres.h"

#include "gameplay/combat.h"
#include "gameplay/npc.h"
#include "gameplay/npc_mind.h"
#include "world/world.h"
#include "world/zone.h"

#include "character/character.h"
#include "economy/stats.h"
#include "kernel/args.h"
#include "kernel/clock.h"
#include "kernel/errors.h"
#include "kernel/event.h"
#include "kernel/identity.h"
#include "kernel/json.h"
#include "kernel/push.h"
#include "kernel/random.h"
#include "kernel/spi.h"

#define START_RANGE 60.0f
#define RANGE_TOLERANCE 1.1f
#define SHOT_MS_AT_1_RPM 57000 /* 0.95 × 60,000: a packet may come a little early */
#define CRIT_PERCENT 5
#define CRIT_DAMAGE 150
#define FLIGHT_MS 5000      /* from one attempt to flee to the next */
#define SIDE_ARM "side_arm" /* what everybody has who wears no weapon */

static NecpPlan membership = NECP_PLAN(
	"SELECT s.status, EXISTS (SELECT FROM game.combat_participants p"
	" WHERE p.combat_id = s.id AND p.entity_id = $2) FROM game.combat_sessions s WHERE s.id = $1",
	INT8OID, INT8OID);

static NecpPlan read_weapon = NECP_PLAN(
	"SELECT damage, rpm, range_m::float8, attribute = 'body' FROM game.weapon_profiles WHERE code = $1",
	TEXTOID);

static NecpPlan show_attack =
	NECP_PLAN("SELECT to_json(ROW($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)::necp.attack_view)",
			  INT8OID, INT8OID, TEXTOID, BOOLOID, INT4OID, INT4OID, INT4OID, BOOLOID, INT4OID,
			  INT4OID);

static NecpPlan show_flight = NECP_PLAN("SELECT to_json(ROW($1, $2, $3, $4)::necp.flight_view)",
										INT8OID, BOOLOID, INT4OID, INT4OID);

static NecpPlan import_weapons = NECP_PLAN(
	"INSERT INTO game.weapon_profiles AS w (code, name, damage, rpm, range_m, attribute, origin)"
	" SELECT r.code, r.name, r.damage, r.rpm, r.range_m, coalesce(r.attribute, 'reflexes'), 'pack'"
	" FROM jsonb_to_recordset($1) AS r (code text, name text, damage int, rpm int, range_m real, attribute text)"
	" ON CONFLICT (code) DO UPDATE SET name = excluded.name, damage = excluded.damage,"
	" rpm = excluded.rpm, range_m = excluded.range_m, attribute = excluded.attribute"
	" WHERE w.origin = 'pack' AND (w.name, w.damage, w.rpm, w.range_m, w.attribute)"
	" IS DISTINCT FROM (excluded.name, excluded.damage, excluded.rpm, excluded.range_m, excluded.attribute)",
	JSONBOID);

/* Beginning ------------------------------------------------------------------------------------ */

static void
require_alive(const NecpEntity *who)
{
	if (who->state.activity == NECP_ACTIVITY_DEAD || who->state.hp <= 0)
		necp_fail(YOU_ARE_DEAD, NULL, "the dead do not act");
}

/* The acting character in the live world, alive. */
static void
read_self(NecpEntity *self)
{
	if (!necp_zone_self(self))
		necp_fail(OUT_OF_RANGE, NULL, "enter a zone first");
	require_alive(self);
}

static void
read_npc_near(int64 npc_id, int64 life_id, const NecpEntity *self, NecpEntity *npc)
{
	if (!necp_world_read(-npc_id, npc) || npc->place_id != self->place_id)
		necp_fail(OUT_OF_RANGE, "npc_id", "NPC " INT64_FORMAT " is not here", npc_id);
	if (npc->life_id != life_id || npc->state.activity == NECP_ACTIVITY_DEAD)
		necp_fail(TARGET_DEAD, "npc_id", "NPC " INT64_FORMAT " is dead", npc_id);
	if (npc->mind == NECP_MIND_RETURN)
		necp_fail(CONFLICT, "npc_id", "it has given up and runs home");
	if (necp_world_distance(self, npc) > START_RANGE)
		necp_fail(OUT_OF_RANGE, "npc_id", "a fight begins within %.0f m", START_RANGE);
}

/* combat_start(npc_id bigint) → combat_view (DOMAIN §8). */
NECP_FUNCTION(necp_combat_start)
{
	int64 npc_id = necp_arg_id(fcinfo, 0, "npc_id");
	int64 life_id;
	int64 combat_id;
	NecpEntity self;
	NecpEntity npc;

	read_self(&self);
	life_id = necp_npc_lock(npc_id);
	read_npc_near(npc_id, life_id, &self, &npc);
	combat_id = necp_combat_choose(&self, &npc);
	necp_combat_join(combat_id, self.state.id, NECP_SIDE_CHARACTERS);
	necp_combat_join(combat_id, npc.state.id, NECP_SIDE_NPCS);
	if (self.combat_id != combat_id || npc.combat_id != combat_id)
	{
		necp_world_engage(self.place_id, combat_id, (int64[]){self.state.id, npc.state.id}, 2);
		necp_combat_push(self.state.id, "COMBAT_STARTED", necp_combat_data(combat_id, "ACTIVE"));
	}
	return necp_combat_view(combat_id);
}

/* Blows ---------------------------------------------------------------------------------------- */

typedef struct Part
{
	const char *name;
	int32 damage; /* percent */
	int32 aimed;  /* percent of aimed shots that land there; the others hit the torso */
} Part;

static const Part torso = {"TORSO", 100, 100};
static const Part parts[] = {
	{"HEAD", 200, 35},
	{"TORSO", 100, 100},
	{"ARM", 75, 50},
	{"LEG", 70, 50},
	{"IMPLANT_CORE", 120, 35},
};

typedef struct Blow
{
	const Part *part;
	bool crit;
	int32 damage;
	int32 interval_ms;
	int32 xp;
} Blow;

/* What the attacker wears as a weapon, else the side arm. */
static void
load_weapon(int64 character_id, NecpWeapon *weapon)
{
	if (necp_stats_weapon(character_id, weapon))
		return;
	if (necp_run(&read_weapon, necp_cstring_datum(SIDE_ARM)) == 0)
		necp_fail(UNAVAILABLE, NULL, "there is no weapon \"%s\": load the content", SIDE_ARM);
	weapon->damage = necp_int4(0, 1);
	weapon->rpm = necp_int4(0, 2);
	weapon->range = (float) necp_float8(0, 3);
	weapon->by_body = necp_bool(0, 4);
}

static const Part *
aimed_part_arg(FunctionCallInfo fcinfo, int n)
{
	static const char *const names[] = {"HEAD", "TORSO", "ARM", "LEG", "IMPLANT_CORE", NULL};
	const char *name;

	if (PG_ARGISNULL(n))
		return &torso;
	name = necp_arg_word(fcinfo, n, "aimed_part", names);
	for (int i = 0; i < (int) lengthof(parts); i++)
		if (strcmp(parts[i].name, name) == 0)
			return &parts[i];
	return &torso;
}

/*
 * DOMAIN §8: max(1, floor((weapon + attribute - 5) × hitbox × crit × 100 / (100 + armor))); perks add their
 * percent to it.
 */
static int32
damage_of(int32 weapon, int32 perks, const Part *part, bool crit, int32 armor, int32 weak_percent)
{
	int64 percents =
		(int64) part->damage * (crit ? CRIT_DAMAGE : 100) * (100 + perks) / 100 * weak_percent;

	return (int32) Max(Max(weapon, 0) * percents / (INT64CONST(10000) * (100 + armor)), 1);
}

static void
draw_blow(const NecpWeapon *weapon, const NecpEntity *self, const NecpEntity *target,
		  const Part *aimed, Blow *blow)
{
	blow->part = necp_random_int(1, 100) <= aimed->aimed ? aimed : &torso;
	blow->crit = necp_random_int(1, 100) <= CRIT_PERCENT + self->crit_percent;
	blow->damage = damage_of(weapon->damage + (weapon->by_body ? self->body : self->reflexes) - 5,
							 self->damage_percent,
							 blow->part,
							 blow->crit,
							 target->armor,
							 necp_now() < target->weak_until ? target->weak_percent : 100);
	blow->interval_ms = SHOT_MS_AT_1_RPM / weapon->rpm;
	blow->xp = 0;
}

/* Says why the acting character is not fighting in this combat. */
static void
refuse_outsider(int64 combat_id, int64 character_id)
{
	if (necp_run(&membership, combat_id, character_id) == 0)
		necp_fail(NOT_FOUND, "combat_id", "combat " INT64_FORMAT " not found", combat_id);
	if (!necp_bool(0, 2))
		necp_fail(NOT_PARTICIPANT, "combat_id", "you are not in combat " INT64_FORMAT, combat_id);
	necp_fail(CONFLICT, "combat_id", "combat " INT64_FORMAT " is over for you", combat_id);
}

static void
read_target(int64 target_id, int64 combat_id, NecpEntity *target)
{
	bool here = necp_world_read(target_id, target);

	if (here && target->state.activity == NECP_ACTIVITY_DEAD)
		necp_fail(TARGET_DEAD, "target_id", "the target is dead");
	if (!here || target->combat_id != combat_id)
		necp_fail(NOT_PARTICIPANT, "target_id", "the target is not in this combat");
	if (target->state.kind != NECP_ENTITY_NPC)
		necp_fail(FORBIDDEN, "target_id", "characters do not fight each other here");
}

/* False where it did not kill; refusals are raised. */
static bool
strike(const NecpWeapon *weapon, const NecpEntity *self, NecpEntity *target, const Blow *blow)
{
	NecpStrike blow_struck = {.actor_id = self->state.id,
							  .target_id = target->state.id,
							  .combat_id = self->combat_id,
							  .life_id = target->life_id,
							  .damage = blow->damage,
							  .range = weapon->range * RANGE_TOLERANCE,
							  .interval_ms = blow->interval_ms};

	switch (necp_world_strike(&blow_struck, target))
	{
		case NECP_STRUCK_HIT:
			return false;
		case NECP_STRUCK_KILL:
			return true;
		case NECP_STRUCK_APART:
			necp_fail(NOT_PARTICIPANT, "target_id", "the target is not in this combat");
			break;
		case NECP_STRUCK_ACTOR_DEAD:
			necp_fail(YOU_ARE_DEAD, NULL, "the dead do not act");
			break;
		case NECP_STRUCK_TARGET_DEAD:
			necp_fail(TARGET_DEAD, "target_id", "the target is dead");
			break;
		case NECP_STRUCK_OUT_OF_RANGE:
			necp_fail(OUT_OF_RANGE, "target_id", "the weapon reaches %.0f m", weapon->range);
			break;
		case NECP_STRUCK_TOO_SOON:
			necp_fail(COOLDOWN, NULL, "the weapon fires every %d ms", blow->interval_ms);
			break;
	}
	return false;
}

/*
 * The claimed kill becomes fact: death, experience, and perhaps the combat's end. The NPC and the
 * combat are locked before anybody who hears of the death can lock characters.
 */
static void
settle_kill(int64 combat_id, const NecpEntity *self, const NecpEntity *npc, Blow *blow)
{
	NecpNpcDeath death;
	bool goes_on;

	(void) necp_npc_lock(-npc->state.id);
	goes_on = necp_combat_lock(combat_id);
	necp_npc_die(npc, self->state.id, combat_id, &death);
	blow->xp = death.xp;
	if (goes_on)
		necp_combat_drop_out(combat_id, npc->place_id, npc->state.id, NECP_SIDE_NPCS, "COMPLETED");
	necp_npc_reward(&death);
}

/* combat_attack(combat_id bigint, target_id bigint, aimed_part text) → attack_view (DOMAIN §8). */
NECP_FUNCTION(necp_combat_attack)
{
	int64 combat_id = necp_arg_id(fcinfo, 0, "combat_id");
	int64 target_id = necp_arg_int(fcinfo, 1, "target_id", -NECP_MAX_ID, NECP_MAX_ID);
	const Part *aimed = aimed_part_arg(fcinfo, 2);
	NecpEntity self;
	NecpEntity target;
	NecpWeapon weapon;
	Blow blow;
	NecpBlowTold told;
	bool killed;

	read_self(&self);
	if (self.combat_id != combat_id)
		refuse_outsider(combat_id, self.state.id);
	read_target(target_id, combat_id, &target);
	load_weapon(self.state.id, &weapon);
	draw_blow(&weapon, &self, &target, aimed, &blow);
	killed = strike(&weapon, &self, &target, &blow);
	if (killed)
		settle_kill(combat_id, &self, &target, &blow);
	told = (NecpBlowTold){.combat_id = combat_id,
						  .actor_id = self.state.id,
						  .target_id = target_id,
						  .part = blow.part->name,
						  .amount = blow.damage,
						  .crit = blow.crit,
						  .killed = killed,
						  .hp = target.state.hp};
	necp_combat_push_blow(self.state.id, &told);
	necp_combat_log(&told);
	return necp_answer(&show_attack,
					   "attack",
					   combat_id,
					   target_id,
					   necp_cstring_datum(blow.part->name),
					   BoolGetDatum(blow.crit),
					   Int32GetDatum(blow.damage),
					   Int32GetDatum(killed ? 0 : target.state.hp),
					   Int32GetDatum(target.state.max_hp),
					   BoolGetDatum(killed),
					   Int32GetDatum(blow.xp),
					   Int32GetDatum(blow.interval_ms));
}

/* Flight --------------------------------------------------------------------------------------- */

/* The quickest of those who fight on the other side. */
static int32
hunters_reflexes(int64 combat_id, int64 place_id)
{
	NecpEntity *npcs;
	int n = necp_world_list(place_id, NECP_ENTITY_NPC, &npcs);
	int32 most = 0;

	for (int i = 0; i < n; i++)
		if (npcs[i].combat_id == combat_id)
			most = Max(most, npcs[i].reflexes);
	return most;
}

/* combat_flee(combat_id bigint) → flight_view (DOMAIN §8): an attempt, which may fail. */
NECP_FUNCTION(necp_combat_flee)
{
	int64 combat_id = necp_arg_id(fcinfo, 0, "combat_id");
	NecpEntity self;
	int32 chance;
	bool fled;
	bool ended;

	read_self(&self);
	if (self.combat_id != combat_id || !necp_combat_lock(combat_id))
		refuse_outsider(combat_id, self.state.id);
	if (!necp_world_try_flight(self.state.id, FLIGHT_MS))
		necp_fail(COOLDOWN, NULL, "one attempt in %d ms", FLIGHT_MS);
	chance = necp_mind_flight(self.reflexes, hunters_reflexes(combat_id, self.place_id));
	fled = necp_random_int(1, 100) <= chance;
	if (fled)
	{
		necp_world_engage(self.place_id, 0, &self.state.id, 1);
		ended = necp_combat_drop_out(combat_id,
									 self.place_id,
									 self.state.id,
									 NECP_SIDE_CHARACTERS,
									 "FLED");
		necp_combat_push(self.state.id,
						 ended ? "COMBAT_ENDED" : "COMBAT_LEFT",
						 necp_combat_data(combat_id, ended ? "FLED" : "ACTIVE"));
	}
	return necp_answer(&show_flight,
					   "flight",
					   combat_id,
					   BoolGetDatum(fled),
					   Int32GetDatum(chance),
					   Int32GetDatum(FLIGHT_MS));
}

/* Reading -------------------------------------------------------------------------------------- */

/* combat_active() → combat_view; NOT_FOUND outside of fights. */
NECP_FUNCTION(necp_combat_active)
{
	int64 combat_id = necp_combat_of(necp_character());

	if (combat_id == 0)
		necp_fail(NOT_FOUND, NULL, "the character is in no combat");
	return necp_combat_view(combat_id);
}

/* combat_state(combat_id bigint) → combat_view, for who is or was in it. */
NECP_FUNCTION(necp_combat_state)
{
	int64 combat_id = necp_arg_id(fcinfo, 0, "combat_id");

	if (necp_run(&membership, combat_id, necp_character()) == 0)
		necp_fail(NOT_FOUND, "combat_id", "combat " INT64_FORMAT " not found", combat_id);
	if (!necp_bool(0, 2))
		necp_fail(NOT_PARTICIPANT, "combat_id", "you were not in combat " INT64_FORMAT, combat_id);
	return necp_combat_view(combat_id);
}

/* combat_import(pack jsonb) → rows changed. */
NECP_FUNCTION(necp_combat_import)
{
	necp_arg_required(fcinfo, 0, "pack");
	PG_RETURN_INT32((int32) necp_run(&import_weapons, PG_GETARG_DATUM(0)));
}

void
necp_combat_init(void)
{
	necp_combat_session_init();
	necp_combat_work_init();
	necp_combat_log_init();
}
