/* SPDX-License-Identifier: PostgreSQL
 *
 * UUIDs in their textual form, the only one the servers handle.
 */
#ifndef NECP_UUID_H
#define NECP_UUID_H

#include <stdbool.h>
#include <stddef.h>

#define NECP_UUID_LEN 36

/* Canonical lower-case text, terminated. */
typedef struct NecpUuid
{
	char text[NECP_UUID_LEN + 1];
} NecpUuid;

/* Takes 8-4-4-4-12 hexadecimal digits of either case, nothing else; uuid gets them in lower case. */
bool necp_uuid_parse(NecpUuid *uuid, const char *text, size_t len);
/* A random (version 4) UUID; unique, not secret: the generator is per thread and fast. */
void necp_uuid_generate(NecpUuid *uuid);

#endif
