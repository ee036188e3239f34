/* SPDX-License-Identifier: PostgreSQL
 *
 * What caches of content ask: has any of it changed since they read it?
 */
#ifndef NECP_KERNEL_CONTENT_H
#define NECP_KERNEL_CONTENT_H

#include "postgres.h"

/* To be read before the tables are; another number than the last one: read them again. */
extern uint32 necp_content_generation(void);

#endif
