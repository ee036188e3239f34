/* SPDX-License-Identifier: PostgreSQL
 *
 * Perks, and taking points back (DOMAIN §36, §10). A perk costs one point; what it asks for is looked at
 * once, when it is learned, and only a respec lowers what was asked for: it returns all perks.
 *
 * Lock order: as in progression.c.
 */
#include "postgres.h"

#include "economy/inventory.h"
#include "gameplay/progression_int.h"
#include "kernel/args.h"
#include "kernel/clock.h"
#include "kernel/config.h"
#include "kernel/custody.h"
#include "kernel/errors.h"
#include "kernel/identity.h"
#include "kernel/ledger.h"
#include "kernel/list.h"
#include "kernel/spi.h"

#include "utils/builtins.h"

#define VIEW                                                                                       \
	"SELECT to_json(ROW(k.id, k.code, k.name, k.description, k.min_level,"                         \
	" ARRAY(SELECT ROW(a.attribute, a.min_value)::necp.perk_attribute_view"                        \
	"  FROM game.perk_attributes a WHERE a.perk_id = k.id ORDER BY a.attribute),"                  \
	" ARRAY(SELECT q.code FROM game.perk_requirements r JOIN game.perks q ON q.id = r.required_id" \
	"  WHERE r.perk_id = k.id ORDER BY q.code),"                                                   \
	" ARRAY(SELECT ROW(e.stat, e.amount)::necp.perk_effect_view"                                   \
	"  FROM game.perk_effects e WHERE e.perk_id = k.id ORDER BY e.stat),"                          \
	" EXISTS (SELECT FROM game.character_perks h WHERE h.character_id = $1 AND h.perk_id = k.id))" \
	"::necp.perk_view), k.id::bigint FROM game.perks k"

static NecpPlan list_perks =
	NECP_PLAN(VIEW " WHERE k.id > $2 ORDER BY k.id LIMIT $3", INT8OID, INT8OID, INT4OID);
static NecpPlan show_perk = NECP_PLAN(VIEW " WHERE k.id = $2", INT8OID, INT4OID);
static NecpPlan read_perk = NECP_PLAN(
	"SELECT k.id, k.min_level,"
	" EXISTS (SELECT FROM game.character_perks h WHERE h.character_id = $2 AND h.perk_id = k.id),"
	" (SELECT q.name FROM game.perk_requirements r JOIN game.perks q ON q.id = r.required_id"
	"  WHERE r.perk_id = k.id AND NOT EXISTS (SELECT FROM game.character_perks h"
	"  WHERE h.character_id = $2 AND h.perk_id = q.id) ORDER BY q.id LIMIT 1),"
	" coalesce((SELECT e.amount FROM game.perk_effects e WHERE e.perk_id = k.id AND e.stat = 'max_hp'), 0)"
	" FROM game.perks k WHERE k.code = $1",
	TEXTOID, INT8OID);
static NecpPlan asked_attributes =
	NECP_PLAN("SELECT attribute, min_value FROM game.perk_attributes WHERE perk_id = $1"
			  " ORDER BY attribute",
			  INT4OID);
static NecpPlan insert_perk =
	NECP_PLAN("INSERT INTO game.character_perks (character_id, perk_id, learned_at)"
			  " VALUES ($1, $2, $3)",
			  INT8OID, INT4OID, TIMESTAMPTZOID);
static NecpPlan forget_perks =
	NECP_PLAN("DELETE FROM game.character_perks WHERE character_id = $1", INT8OID);
/*
 * What is worn, broken or not, and asks for more of an attribute than $2 holds, in the order of
 * necp_attribute_names.
 */
static NecpPlan too_demanding = NECP_PLAN(
	"SELECT t.name FROM game.character_items i JOIN game.item_templates t ON t.id = i.template_id"
	" WHERE i.container_id = $1 AND EXISTS (SELECT FROM jsonb_each_text(t.attributes -> 'requires') r"
	" JOIN unnest('{body,reflexes,technical_ability,intelligence,cool,empathy}'::text[], $2)"
	" a (name, value) ON a.name = r.key WHERE r.value::int > a.value) ORDER BY i.slot LIMIT 1",
	INT8OID, INT4ARRAYOID);

/* Perks ---------------------------------------------------------------------------------------- */

NECP_FUNCTION(necp_perk_list)
{
	int32 limit = necp_arg_limit(fcinfo, 0);
	int64 after = PG_ARGISNULL(1) ? 0 : necp_arg_id(fcinfo, 1, "cursor");

	return necp_list(&list_perks, limit, necp_character(), after, Int32GetDatum(limit + 1));
}

static void
require_attributes(int32 perk_id, const NecpProgress *progress)
{
	NecpRows asked = necp_fetch(&asked_attributes, Int32GetDatum(perk_id));

	for (uint64 row = 0; row < asked.count; row++)
		for (int i = 0; i < NECP_ATTRIBUTES; i++)
			if (strcmp(necp_row_text(&asked, row, 1), necp_attribute_names[i]) == 0 &&
				progress->own[i] < necp_row_int4(&asked, row, 2))
				necp_fail(REQUIREMENTS_NOT_MET,
						  "perk",
						  "it takes %s %d",
						  necp_attribute_names[i],
						  necp_row_int4(&asked, row, 2));
}

/* perk_learn(perk text) → perk_view. */
NECP_FUNCTION(necp_perk_learn)
{
	char *code = necp_arg_text(fcinfo, 0, "perk", 1, 50);
	NecpProgress progress;
	int32 perk_id;
	NecpJson data;

	necp_progress_lock_acting(&progress);
	if (necp_run(&read_perk, necp_cstring_datum(code), progress.character_id) == 0)
		necp_fail(NOT_FOUND, "perk", "there is no perk \"%s\"", code);
	perk_id = necp_int4(0, 1);
	if (necp_bool(0, 3))
		necp_fail(CONFLICT, "perk", "it is learned already");
	if (progress.level < necp_int4(0, 2))
		necp_fail(REQUIREMENTS_NOT_MET, "perk", "it takes level %d", necp_int4(0, 2));
	if (!necp_isnull(0, 4))
		necp_fail(REQUIREMENTS_NOT_MET, "perk", "\"%s\" comes before it", necp_text(0, 4));
	progress.perk_hp += necp_int4(0, 5);
	require_attributes(perk_id, &progress);
	if (progress.perk_spent >= NECP_PERK_POINTS(progress.level))
		necp_fail(NO_POINTS, "perk", "there is no perk point left");
	progress.perk_spent++;
	necp_progress_save(&progress);
	necp_run(&insert_perk,
			 progress.character_id,
			 Int32GetDatum(perk_id),
			 TimestampTzGetDatum(necp_now()));
	necp_json_open(&data);
	necp_json_text(&data, "perk", code);
	necp_progress_emit("PERK_LEARNED", progress.character_id, &data, NULL);
	necp_stats_refit(progress.character_id);
	return necp_answer(&show_perk, "perk", progress.character_id, Int32GetDatum(perk_id));
}

/* Respec --------------------------------------------------------------------------------------- */

static void
require_cooled_down(const NecpProgress *progress)
{
	int64 left;

	if (progress->respec_at == DT_NOBEGIN)
		return;
	left =
		progress->respec_at + necp_config_int("progression.respec_s") * USECS_PER_SEC - necp_now();
	if (left > 0)
		ereport(ERROR,
				errcode(NECP_ERR_RESPEC_COOLDOWN),
				errmsg("the last respec was not long ago"),
				necp_errretry((int) ((left + USECS_PER_SEC - 1) / USECS_PER_SEC)));
}

/* Nobody wears what it could not put on again; what is worn is locked, so nothing is put on meanwhile. */
static void
require_modest_gear(const NecpProgress *progress)
{
	int64 container_id = necp_container_find("EQUIPPED", progress->character_id);
	Datum values[NECP_ATTRIBUTES];

	if (container_id == 0 || necp_container_lock(container_id)->nitems == 0)
		return;
	for (int i = 0; i < NECP_ATTRIBUTES; i++)
		values[i] = Int32GetDatum(progress->own[i]);
	if (necp_run(&too_demanding, container_id, necp_int4_array(values, NECP_ATTRIBUTES)) > 0)
		necp_fail(REQUIREMENTS_NOT_MET, NULL, "take off \"%s\" first", necp_text(0, 1));
}

/* Returns what is left in the wallet. */
static int64
pay(int64 character_id, int64 price)
{
	NecpPurse wallet = {NECP_WALLET, character_id};

	if (price == 0)
		return necp_ledger_balance(wallet, NECP_CREDITS);
	(void) necp_ledger_transfer(wallet,
								(NecpPurse){NECP_SINK, 0},
								NECP_CREDITS,
								price,
								"RESPEC",
								character_id);
	necp_spent_emit(price, "RESPEC");
	return necp_ledger_balance(wallet, NECP_CREDITS);
}

static void
emit_respec(const NecpProgress *former, int64 price)
{
	NecpJson data;

	necp_json_open(&data);
	necp_json_int(&data, "price", price);
	necp_json_int(&data, "attribute_points", necp_progress_attribute_spent(former));
	necp_json_int(&data, "skill_points", former->skill_spent);
	necp_json_int(&data, "perk_points", former->perk_spent);
	necp_progress_emit("RESPEC", former->character_id, &data, NULL);
}

/* progression_respec() → respec_view. */
NECP_FUNCTION(necp_progression_respec)
{
	NecpProgress progress;
	NecpProgress former;
	int64 price;
	NecpJson view;

	(void) fcinfo;
	necp_progress_lock_acting(&progress);
	former = progress;
	require_cooled_down(&progress);
	if (necp_progress_attribute_spent(&progress) + progress.skill_spent + progress.perk_spent == 0)
		necp_fail(NO_POINTS, NULL, "no point is spent");
	for (int i = 0; i < NECP_ATTRIBUTES; i++)
	{
		progress.own[i] -= progress.spent[i];
		progress.spent[i] = 0;
	}
	progress.skill_spent = progress.perk_spent = progress.perk_hp = 0;
	progress.respec_at = necp_now();
	necp_skills_respec(progress.character_id);
	require_modest_gear(&progress);
	price = necp_config_int("progression.respec_credits") * progress.level;
	necp_json_open(&view);
	necp_json_int(&view, "price", price);
	necp_json_int(&view, "credits", pay(progress.character_id, price));
	necp_run(&forget_perks, progress.character_id);
	necp_progress_save(&progress);
	emit_respec(&former, price);
	necp_stats_refit(progress.character_id);
	necp_json_raw(&view, "progression", TextDatumGetCString(necp_progress_view()));
	return necp_cstring_datum(necp_json_close(&view));
}
