/* SPDX-License-Identifier: PostgreSQL
 *
 * The one clock of the game: wall time plus an offset in shared memory that tests and operators of
 * a rehearsal move. Deadlines are tested against necp_now(), never against now(), which stands still
 * while a command waits for a lock.
 */
#ifndef NECP_KERNEL_CLOCK_H
#define NECP_KERNEL_CLOCK_H

#include "postgres.h"

#include "utils/timestamp.h"

extern TimestampTz necp_now(void);
/* When the statement began, by the same clock: without asking the system again. */
extern TimestampTz necp_statement_time(void);

#endif
