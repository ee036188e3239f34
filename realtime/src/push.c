/* SPDX-License-Identifier: PostgreSQL
 *
 * Parser of push lines. A line that makes no sense is refused whole, never half understood.
 */
#include <errno.h>

#include "push.h"
#include "uuid.h"

bool
necp_push_next(NecpSlice *payload, NecpSlice *line)
{
	const char *end;

	if (payload->len == 0)
		return false;
	end = memchr(payload->base, '\n', payload->len);
	line->base = payload->base;
	line->len = end != NULL ? (size_t) (end - payload->base) : payload->len;
	payload->base += line->len + (end != NULL);
	payload->len -= line->len + (end != NULL);
	return true;
}

/* A non-empty field up to the next space. */
static bool
take_field(NecpSlice *rest, NecpSlice *field)
{
	const char *space = memchr(rest->base, ' ', rest->len);

	field->base = rest->base;
	field->len = space != NULL ? (size_t) (space - rest->base) : rest->len;
	rest->base += field->len + (space != NULL);
	rest->len -= field->len + (space != NULL);
	return field->len > 0;
}

static bool
take_unsigned(NecpSlice *rest, uint64_t *value)
{
	NecpSlice field;

	*value = 0;
	if (!take_field(rest, &field))
		return false;
	for (size_t i = 0; i < field.len; i++)
	{
		char c = field.base[i];

		if (c < '0' || c > '9' || __builtin_mul_overflow(*value, UINT64_C(10), value) ||
			__builtin_add_overflow(*value, (uint64_t) (c - '0'), value))
			return false;
	}
	return true;
}

static bool
take_signed(NecpSlice *rest, int64_t *value)
{
	bool negative = rest->len > 0 && rest->base[0] == '-';
	uint64_t magnitude;

	if (negative)
	{
		rest->base++;
		rest->len--;
	}
	if (!take_unsigned(rest, &magnitude) || magnitude > INT64_MAX)
		return false;
	*value = negative ? -(int64_t) magnitude : (int64_t) magnitude;
	return true;
}

static bool
take_rest(NecpSlice *rest, NecpSlice *field)
{
	*field = *rest;
	rest->len = 0;
	return field->len > 0;
}

static bool
take_who(NecpSlice *rest, PushLine *push)
{
	NecpSlice who;

	if (!take_field(rest, &who))
		return false;
	push->id = 0;
	if (necp_slice_is(who, "account"))
		push->who = PUSH_ACCOUNT;
	else if (necp_slice_is(who, "character"))
		push->who = PUSH_CHARACTER;
	else if (necp_slice_is(who, "all"))
		push->who = PUSH_ALL;
	else
		return false;
	return push->who == PUSH_ALL ? rest->len == 0 || take_signed(rest, &push->id)
								 : take_signed(rest, &push->id);
}

static bool
take_session(NecpSlice *rest, PushLine *push)
{
	return take_field(rest, &push->session) && push->session.len == NECP_UUID_LEN;
}

bool
necp_push_head(NecpSlice line, uint64_t *epoch, uint64_t *batch)
{
	return take_unsigned(&line, epoch) && take_unsigned(&line, batch) && line.len == 0;
}

bool
necp_push_parse(NecpSlice line, PushLine *push)
{
	NecpSlice kind;

	if (!take_field(&line, &kind) || kind.len != 1)
		return false;
	switch (kind.base[0])
	{
		case 'M':
			push->kind = PUSH_MESSAGE;
			return take_unsigned(&line, &push->seq) && take_unsigned(&line, &push->version) &&
				   take_unsigned(&line, &push->ts_ms) && take_field(&line, &push->type) &&
				   take_field(&line, &push->topic) && take_rest(&line, &push->data);
		case 'R':
			push->kind = PUSH_RESYNC;
			return take_field(&line, &push->topic) && line.len == 0;
		case 'U':
			push->kind = PUSH_UNSUBSCRIBE;
			return take_field(&line, &push->topic) && take_who(&line, push) && line.len == 0;
		case 'B':
			push->kind = PUSH_BIND;
			return take_unsigned(&line, &push->binding) && take_session(&line, push) &&
				   take_signed(&line, &push->character_id) && take_signed(&line, &push->place_id) &&
				   line.len == 0;
		case 'K':
			push->kind = PUSH_KILL;
			return take_session(&line, push) && take_rest(&line, &push->reason);
		default:
			return false;
	}
}
