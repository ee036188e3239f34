/* SPDX-License-Identifier: PostgreSQL
 *
 * What a line of text may hold. Markup is no concern here: text stays text wherever it is shown.
 */
#include "postgres.h"

#include "kernel/args.h"
#include "kernel/errors.h"
#include "kernel/text.h"

#include "common/unicode_norm.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#define MAX_MARKS 4 /* Hebrew with points and cantillation has four over one letter */

typedef struct CodeRange
{
	pg_wchar first;
	pg_wchar last;
} CodeRange;

#include "kernel/text_ranges.inc"

static bool
is_within(const CodeRange *ranges, int count, pg_wchar code)
{
	int low = 0;
	int high = count - 1;

	while (low <= high)
	{
		int middle = (low + high) / 2;

		if (code < ranges[middle].first)
			high = middle - 1;
		else if (code > ranges[middle].last)
			low = middle + 1;
		else
			return true;
	}
	return false;
}

static bool
is_refused(pg_wchar code)
{
	return is_within(refused, lengthof(refused), code);
}

static bool
is_mark(pg_wchar code)
{
	return is_within(marks, lengthof(marks), code);
}

/* Zs of the Unicode Character Database. */
static bool
is_blank(pg_wchar code)
{
	return code == 0x0020 || code == 0x00A0 || code == 0x1680 ||
		   (code >= 0x2000 && code <= 0x200A) || code == 0x202F || code == 0x205F || code == 0x3000;
}

/* The code points of a text in the database's encoding, which is UTF-8, ended by 0. */
static pg_wchar *
decode(const char *text)
{
	size_t len = strlen(text);
	pg_wchar *codes = palloc((len + 1) * sizeof(pg_wchar));
	size_t n = 0;

	for (const unsigned char *c = (const unsigned char *) text; *c != '\0'; c += pg_utf_mblen(c))
		codes[n++] = utf8_to_unicode(c);
	codes[n] = 0;
	return codes;
}

static char *
encode(const pg_wchar *codes, int count)
{
	char *text = palloc((Size) count * 4 + 1);
	char *end = text;

	for (int i = 0; i < count; i++)
	{
		unicode_to_utf8(codes[i], (unsigned char *) end);
		end += pg_utf_mblen((unsigned char *) end);
	}
	*end = '\0';
	return text;
}

/* Blanks become U+0020, those at the ends go; returns how many code points are left. */
static int
trim(pg_wchar *codes)
{
	int first = 0;
	int count = 0;

	while (codes[first] != 0 && is_blank(codes[first]))
		first++;
	for (int i = first; codes[i] != 0; i++)
		codes[count++] = is_blank(codes[i]) ? 0x0020 : codes[i];
	while (count > 0 && codes[count - 1] == 0x0020)
		count--;
	return count;
}

static void
require_readable(const pg_wchar *codes, int count, const char *field)
{
	int piled = MAX_MARKS; /* a mark at the beginning has nothing to stand over */

	for (int i = 0; i < count; i++)
	{
		if (is_refused(codes[i]))
			necp_fail(VALIDATION,
					  field,
					  "%s holds U+%04X, which is not for reading",
					  field,
					  codes[i]);
		if (!is_mark(codes[i]))
			piled = 0;
		else if (++piled > MAX_MARKS)
			necp_fail(VALIDATION, field, "%s holds too many marks over one character", field);
	}
}

char *
necp_arg_line(FunctionCallInfo fcinfo, int n, const char *field, int min, int max)
{
	pg_wchar *codes;
	int count;

	necp_arg_required(fcinfo, n, field);
	/* normalising takes memory for each code point: what is far too long does not get so far */
	if (VARSIZE_ANY_EXHDR(PG_GETARG_TEXT_PP(n)) > (Size) max * 4 * (1 + MAX_MARKS))
		necp_fail(VALIDATION, field, "%s must have %d to %d characters", field, min, max);
	codes = decode(text_to_cstring(PG_GETARG_TEXT_PP(n)));
	codes = unicode_normalize(UNICODE_NFC, codes);
	count = trim(codes);
	if (count < min || count > max)
		necp_fail(VALIDATION, field, "%s must have %d to %d characters", field, min, max);
	require_readable(codes, count, field);
	return encode(codes, count);
}

char *
necp_text_clean(const char *text)
{
	pg_wchar *codes = decode(text);
	int count = 0;

	for (; codes[count] != 0; count++)
	{
		if (is_refused(codes[count]))
			codes[count] = 0x0020;
	}
	return encode(codes, count);
}
