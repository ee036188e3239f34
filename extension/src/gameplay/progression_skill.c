/* SPDX-License-Identifier: PostgreSQL
 *
 * Skills (DOMAIN §10): they rise by use and by points, up to 100; a level asks for 100 × (level + 1)
 * experience. Points raise by whole levels and leave the experience as it is.
 *
 * A kill trains the skill that the first worn weapon's template names ("skill"), or the one that is for
 * any weapon, by a share of the kill's experience: what is worth no experience teaches nothing.
 *
 * Lock order: as in progression.c. Training locks the skill alone.
 */
#include "postgres.h"

#include "gameplay/progression_int.h"
#include "kernel/args.h"
#include "kernel/config.h"
#include "kernel/errors.h"
#include "kernel/identity.h"
#include "kernel/list.h"
#include "kernel/spi.h"

#define VIEW                                                                                       \
	"SELECT to_json(ROW(s.id, s.code, s.name, s.description, s.attribute, coalesce(e.level, 0),"   \
	" coalesce(e.xp, 0), CASE WHEN e.level = 100 THEN NULL ELSE 100 * (coalesce(e.level, 0) + 1)"  \
	" END, coalesce(e.points, 0))::necp.skill_view), s.id::bigint FROM game.skills s"              \
	" LEFT JOIN game.skill_experience e ON e.skill_id = s.id AND e.character_id = $1"

static NecpPlan list_skills =
	NECP_PLAN(VIEW " WHERE s.id > $2 ORDER BY s.id LIMIT $3", INT8OID, INT8OID, INT4OID);
static NecpPlan show_skill = NECP_PLAN(VIEW " WHERE s.id = $2", INT8OID, INT4OID);
static NecpPlan find_skill = NECP_PLAN("SELECT id FROM game.skills WHERE code = $1", TEXTOID);
static NecpPlan skill_name = NECP_PLAN("SELECT code, name FROM game.skills WHERE id = $1", INT4OID);
static NecpPlan open_skill =
	NECP_PLAN("INSERT INTO game.skill_experience (character_id, skill_id) VALUES ($1, $2)"
			  " ON CONFLICT (character_id, skill_id) DO NOTHING",
			  INT8OID, INT4OID);
static NecpPlan lock_skill =
	NECP_PLAN("SELECT level, xp, points FROM game.skill_experience"
			  " WHERE character_id = $1 AND skill_id = $2 FOR NO KEY UPDATE",
			  INT8OID, INT4OID);
static NecpPlan lock_learned =
	NECP_PLAN("SELECT skill_id, level, xp, points FROM game.skill_experience"
			  " WHERE character_id = $1 AND points > 0 ORDER BY skill_id FOR NO KEY UPDATE",
			  INT8OID);
static NecpPlan store_skill =
	NECP_PLAN("UPDATE game.skill_experience SET level = $3, xp = $4, points = $5"
			  " WHERE character_id = $1 AND skill_id = $2",
			  INT8OID, INT4OID, INT4OID, INT8OID, INT4OID);
static NecpPlan skill_of_weapon = NECP_PLAN(
	"SELECT s.id FROM game.skills s WHERE s.code = (SELECT t.attributes ->> 'skill'" NECP_WORN
	" AND t.slot = 'weapon' AND t.attributes ?& '{damage,rpm,range_m}' ORDER BY i.slot LIMIT 1)"
	" OR s.any_weapon ORDER BY s.any_weapon LIMIT 1",
	INT8OID);

typedef struct Skill
{
	int64 character_id;
	int32 id;
	int32 level;
	int64 xp;
	int32 points;
} Skill;

static int64
xp_to_next(int32 level)
{
	return INT64CONST(100) * (level + 1);
}

static void
climb(Skill *skill)
{
	while (skill->level < NECP_MAX_SKILL && skill->xp >= xp_to_next(skill->level))
		skill->xp -= xp_to_next(skill->level++);
	if (skill->level == NECP_MAX_SKILL)
		skill->xp = 0; /* excess is discarded at the cap */
}

static void
lock(Skill *skill)
{
	if (necp_run(&lock_skill, skill->character_id, Int32GetDatum(skill->id)) == 0)
	{
		necp_run(&open_skill, skill->character_id, Int32GetDatum(skill->id));
		necp_run(&lock_skill, skill->character_id, Int32GetDatum(skill->id));
	}
	skill->level = necp_int4(0, 1);
	skill->xp = necp_int8(0, 2);
	skill->points = necp_int4(0, 3);
}

static void
store(const Skill *skill)
{
	necp_run(&store_skill,
			 skill->character_id,
			 Int32GetDatum(skill->id),
			 Int32GetDatum(skill->level),
			 skill->xp,
			 Int32GetDatum(skill->points));
}

static void
emit_levels(const Skill *skill, int32 former)
{
	NecpSkillIncreased increased = {.character_id = skill->character_id};
	const char *code;

	if (skill->level == former)
		return;
	necp_run(&skill_name, Int32GetDatum(skill->id));
	code = necp_text(0, 1);
	increased.name = necp_text(0, 2);
	for (int32 level = former + 1; level <= skill->level; level++)
	{
		NecpJson data;

		increased.level = level;
		necp_json_open(&data);
		necp_json_text(&data, "skill", code);
		necp_json_int(&data, "level", level);
		necp_progress_emit("SKILL_INCREASED", skill->character_id, &data, &increased);
	}
}

void
necp_progression_train(int64 character_id, int32 skill_id, int64 xp)
{
	Skill skill = {.character_id = character_id, .id = skill_id};
	int32 former;

	if (xp <= 0)
		return;
	lock(&skill);
	if (skill.level == NECP_MAX_SKILL)
		return;
	former = skill.level;
	/* more than all levels ask for together is as good as any more */
	skill.xp += Min(xp, xp_to_next(NECP_MAX_SKILL) * NECP_MAX_SKILL);
	climb(&skill);
	store(&skill);
	emit_levels(&skill, former);
}

int64
necp_progression_kill(int64 character_id, int64 xp, int64 npc_id, int64 life_id)
{
	int64 credited = necp_progression_gain(&(NecpGain){.character_id = character_id,
													   .cause = "KILL",
													   .source_id = npc_id,
													   .source_round = life_id,
													   .xp = xp});

	if (xp > 0 && necp_run(&skill_of_weapon, character_id) > 0)
		necp_progression_train(character_id,
							   necp_int4(0, 1),
							   (xp * necp_config_int("progression.kill_skill_percent") + 99) / 100);
	return credited;
}

void
necp_skills_respec(int64 character_id)
{
	NecpRows learned = necp_fetch(&lock_learned, character_id);

	for (uint64 row = 0; row < learned.count; row++)
	{
		Skill skill = {.character_id = character_id, .id = necp_row_int4(&learned, row, 1)};

		skill.level = necp_row_int4(&learned, row, 2) - necp_row_int4(&learned, row, 4);
		skill.xp = necp_row_int8(&learned, row, 3);
		climb(&skill); /* a lower level may ask for less than there is */
		store(&skill);
	}
}

static int32
skill_arg(FunctionCallInfo fcinfo, int n)
{
	char *code = necp_arg_text(fcinfo, n, "skill", 1, 50);

	if (necp_run(&find_skill, necp_cstring_datum(code)) == 0)
		necp_fail(NOT_FOUND, "skill", "there is no skill \"%s\"", code);
	return necp_int4(0, 1);
}

/* progression_skill(skill text, points int) → skill_view. */
NECP_FUNCTION(necp_progression_skill)
{
	Skill skill = {.character_id = necp_character(), .id = skill_arg(fcinfo, 0)};
	int32 points = (int32) necp_arg_int(fcinfo, 1, "points", 1, NECP_MAX_SKILL);
	NecpProgress progress;

	necp_progress_lock_acting(&progress);
	lock(&skill);
	if (skill.level + points > NECP_MAX_SKILL)
		necp_fail(CAP_REACHED, "skill", "skills end at %d", NECP_MAX_SKILL);
	if (points > NECP_SKILL_POINTS(progress.level) - progress.skill_spent)
		necp_fail(NO_POINTS, "points", "there are not as many skill points");
	progress.skill_spent += points;
	necp_progress_save(&progress);
	skill.level += points;
	skill.points += points;
	climb(&skill);
	store(&skill);
	emit_levels(&skill, skill.level - points);
	return necp_answer(&show_skill, "skill", skill.character_id, Int32GetDatum(skill.id));
}

NECP_FUNCTION(necp_progression_skills)
{
	int32 limit = necp_arg_limit(fcinfo, 0);
	int64 after = PG_ARGISNULL(1) ? 0 : necp_arg_id(fcinfo, 1, "cursor");

	return necp_list(&list_skills, limit, necp_character(), after, Int32GetDatum(limit + 1));
}

/* progression_train(character_id, skill, xp): for operators. */
NECP_FUNCTION(necp_progression_train_skill)
{
	int64 character_id = necp_arg_id(fcinfo, 0, "character_id");
	int32 skill_id = skill_arg(fcinfo, 1);

	necp_progression_train(character_id,
						   skill_id,
						   necp_arg_int(fcinfo, 2, "xp", 1, NECP_MAX_MONEY));
	PG_RETURN_VOID();
}
