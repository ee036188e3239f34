/* SPDX-License-Identifier: PostgreSQL
 *
 * Wall clock time as clients read it.
 */
#ifndef NECP_CLOCKWORK_H
#define NECP_CLOCKWORK_H

#include <stdint.h>

#define CLOCKWORK_ISO 32

/* Milliseconds since the epoch. */
uint64_t necp_clockwork_now_ms(void);
/* 2026-01-01T00:00:00.000Z */
void necp_clockwork_iso(uint64_t ms, char out[CLOCKWORK_ISO]);

#endif
