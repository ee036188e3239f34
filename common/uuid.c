/* SPDX-License-Identifier: PostgreSQL
 *
 * UUIDs as text.
 */
#include "uuid.h"

#include <sodium.h>
#include <stdint.h>
#include <string.h>

static const char hex_digits[] = "0123456789abcdef";

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static bool
is_dash_place(size_t i)
{
	return i == 8 || i == 13 || i == 18 || i == 23;
}

bool
necp_uuid_parse(NecpUuid *uuid, const char *text, size_t len)
{
	if (len != NECP_UUID_LEN)
		return false;
	for (size_t i = 0; i < NECP_UUID_LEN; i++)
	{
		int value = hex_value(text[i]);

		if (is_dash_place(i))
		{
			if (text[i] != '-')
				return false;
			uuid->text[i] = '-';
		}
		else if (value < 0)
			return false;
		else
			uuid->text[i] = hex_digits[value];
	}
	uuid->text[NECP_UUID_LEN] = '\0';
	return true;
}

/* xorshift128+; its state is seeded once per thread. */
static uint64_t
next_random(void)
{
	static _Thread_local uint64_t state[2];
	uint64_t a;
	uint64_t b;

	if (state[0] == 0 && state[1] == 0)
		randombytes_buf(state, sizeof(state));
	a = state[0];
	b = state[1];
	state[0] = b;
	a ^= a << 23;
	state[1] = a ^ b ^ (a >> 18) ^ (b >> 5);
	return state[1] + b;
}

void
necp_uuid_generate(NecpUuid *uuid)
{
	uint64_t halves[2] = {next_random(), next_random()};
	unsigned char bytes[16];
	size_t out = 0;

	memcpy(bytes, halves, sizeof(bytes));
	for (size_t i = 0; i < 16; i++)
	{
		unsigned char byte = bytes[i];

		if (i == 6)
			byte = (unsigned char) ((byte & 0x0F) | 0x40);
		else if (i == 8)
			byte = (unsigned char) ((byte & 0x3F) | 0x80);
		if (is_dash_place(out))
			uuid->text[out++] = '-';
		uuid->text[out++] = hex_digits[byte >> 4];
		uuid->text[out++] = hex_digits[byte & 0x0F];
	}
	uuid->text[out] = '\0';
}
