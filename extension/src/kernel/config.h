/* SPDX-License-Identifier: PostgreSQL
 *
 * Numbers of the rules from game.config, cached per backend until necp.config_set() changes one.
 */
#ifndef NECP_KERNEL_CONFIG_H
#define NECP_KERNEL_CONFIG_H

#include "postgres.h"

/* Values of a key; an absent key or one of another type fails as INTERNAL. Inside SPI. */
extern int64 necp_config_int(const char *key);
extern double necp_config_float(const char *key);

#endif
