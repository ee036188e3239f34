/* SPDX-License-Identifier: PostgreSQL
 *
 * Names (DOMAIN §5). Of Unicode only ASCII is let in, so that no two names look alike but for what
 * folding joins: case, separators, and digits that stand for letters. Words are compared folded.
 */
#include "postgres.h"

#include "character/name.h"
#include "kernel/args.h"
#include "kernel/errors.h"
#include "kernel/spi.h"

#include "utils/builtins.h"

#define SHORTEST 3
#define LONGEST 20

static NecpPlan is_reserved =
	NECP_PLAN("SELECT FROM game.name_rules WHERE rule = 'RESERVED' AND folded = $1", TEXTOID);
static NecpPlan words_within =
	NECP_PLAN("SELECT rule = 'ALLOWED', folded FROM game.name_rules"
			  " WHERE rule IN ('PROFANE', 'ALLOWED') AND strpos($1, folded) > 0",
			  TEXTOID);
static NecpPlan words_of_pack = NECP_PLAN(
	"SELECT upper(k.kind), w.word FROM unnest('{reserved,profane,allowed}'::text[]) k (kind),"
	" jsonb_array_elements_text($1 -> k.kind) w (word)",
	JSONBOID);
static NecpPlan insert_word =
	NECP_PLAN("INSERT INTO game.name_rules (rule, folded, word) VALUES ($1, $2, $3)"
			  " ON CONFLICT (rule, folded) DO NOTHING",
			  TEXTOID, TEXTOID, TEXTOID);
static bool
is_letter(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* i, l and 1 are one letter: nobody can tell them apart. */
static char *
fold(const char *name)
{
	static const char digits[] = "oizeasgtbg";
	char *folded = palloc(strlen(name) + 1);
	char *end = folded;

	for (; *name != '\0'; name++)
	{
		if (is_digit(*name))
			*end++ = digits[*name - '0'];
		else if (is_letter(*name))
			*end++ = pg_ascii_tolower((unsigned char) *name);
		else
			continue;
		if (end[-1] == 'l')
			end[-1] = 'i';
	}
	*end = '\0';
	return folded;
}

static void
check_form(const char *name, const char *field)
{
	size_t length = strlen(name);
	bool separated = true;

	if (length < SHORTEST || length > LONGEST)
		necp_fail(INVALID_NAME, field, "a name has %d to %d characters", SHORTEST, LONGEST);
	for (size_t i = 0; i < length; i++)
	{
		bool separator = name[i] == ' ' || name[i] == '-';

		if ((!separator && !is_letter(name[i]) && !is_digit(name[i])) || (separator && separated) ||
			(separator && i == length - 1))
			necp_fail(INVALID_NAME,
					  field,
					  "a name has letters and digits, with single blanks or hyphens between");
		separated = separator;
	}
}

/* Is that part of the name inside of a word that is harmless as a whole? */
static bool
is_covered(const char *name, const char *part, size_t length, const NecpRows *words)
{
	for (uint64 row = 0; row < words->count; row++)
	{
		char *word = necp_row_text(words, row, 2);
		size_t room = strlen(word);

		if (!necp_row_bool(words, row, 1))
			continue;
		for (const char *at = strstr(name, word); at != NULL; at = strstr(at + 1, word))
			if (at <= part && part + length <= at + room)
				return true;
	}
	return false;
}

static bool
is_profane(const char *folded)
{
	NecpRows words = necp_fetch(&words_within, necp_cstring_datum(folded));

	for (uint64 row = 0; row < words.count; row++)
	{
		char *word = necp_row_text(&words, row, 2);

		if (necp_row_bool(&words, row, 1))
			continue;
		for (const char *at = strstr(folded, word); at != NULL; at = strstr(at + 1, word))
			if (!is_covered(folded, at, strlen(word), &words))
				return true;
	}
	return false;
}

char *
necp_arg_name(FunctionCallInfo fcinfo, int n, const char *field)
{
	char *name;
	char *folded;

	necp_arg_required(fcinfo, n, field);
	name = text_to_cstring(PG_GETARG_TEXT_PP(n));
	check_form(name, field);
	folded = fold(name);
	if (necp_run(&is_reserved, necp_cstring_datum(folded)) > 0)
		necp_fail(INVALID_NAME, field, "this name is reserved");
	if (is_profane(folded))
		necp_fail(INVALID_NAME, field, "this name is not acceptable");
	return name;
}

/* name_import(pack jsonb) → rows changed. */
NECP_FUNCTION(necp_name_import)
{
	NecpRows words;
	uint64 changed = 0;

	necp_arg_required(fcinfo, 0, "pack");
	words = necp_fetch(&words_of_pack, PG_GETARG_DATUM(0));
	for (uint64 row = 0; row < words.count; row++)
	{
		char *word = necp_row_text(&words, row, 2);

		changed += necp_run(&insert_word,
							necp_cstring_datum(necp_row_text(&words, row, 1)),
							necp_cstring_datum(fold(word)),
							necp_cstring_datum(word));
	}
	PG_RETURN_INT32((int32) changed);
}
